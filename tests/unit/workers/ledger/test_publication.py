"""What one cycle says, in the order in which it must be said (P3, P4, P5)."""

from collections.abc import Sequence

import orjson
import pytest
from msgspec.structs import replace

from contracts import topics
from contracts.codes import Code
from contracts.problems import Problem, field_error
from contracts.registration import PendingCredential
from handlers.ledger.recording import Conclusion, conclude
from handlers.model.changes import Owners
from handlers.model.input_records import CommandRecord, Judged
from handlers.model.outcome import Trace
from storage.memory.ledger import MemoryLedger
from tests.builders import NOON, an_account
from tests.consumed import consumed
from tests.ports.written import write
from tests.received import PREFIX, RULES, SEALED, a_deposit, a_registration, a_withdrawal, received
from tests.unit.raw import DEPOSIT_BODY, a_raw
from tests.unit.workers.ledger.ledger_lanes import SimpleLaneDependencies
from workers.batches.parsing import CommandParser
from workers.batches.unreadable import Unreadable
from workers.credentials.records import WaitingRecord, read_waiting
from workers.kafka.publishing import Outgoing
from workers.kafka.topic_names import TopicNames
from workers.ledger.lane import Lane
from workers.ledger.publication import Publication

NAMES = TopicNames.under(PREFIX)
REPLY_TO = "accounts.replies.shop"


@pytest.fixture
async def ledger() -> MemoryLedger:
    ledger = MemoryLedger()
    await write(ledger, accounts=[an_account()])
    return ledger


async def applied(
    ledger: MemoryLedger, *commands: CommandRecord, again: Sequence[str] = ()
) -> Lane:
    users: dict[str, list[CommandRecord]] = {}
    for command in commands:
        users.setdefault(command.command.username, []).append(command)
    lane = Lane(SimpleLaneDependencies(ledger).surroundings(), users=users, again=list(again))
    await lane.run()
    return lane


def said_of(lane: Lane) -> Publication:
    publication = Publication(names=NAMES, group="group", read_at_s=0)
    publication.add_lane(lane)
    return publication


async def published(
    ledger: MemoryLedger, *commands: CommandRecord, again: Sequence[str] = ()
) -> Publication:
    return said_of(await applied(ledger, *commands, again=again))


def said_on(records: Sequence[Outgoing], topic: str) -> list[dict[str, object]]:
    return [orjson.loads(record.value) for record in records if record.topic == topic]


def a_problem(**body: object) -> Unreadable:
    record = a_raw({**DEPOSIT_BODY, **body}, headers=[("reply_to", REPLY_TO.encode())])
    found = CommandParser(PREFIX).parse(record)
    assert isinstance(found, Unreadable)
    return found


class TestPublication:
    async def test_says_state_result_event_and_audit_of_a_deposit(
        self, ledger: MemoryLedger
    ) -> None:
        said = await published(ledger, received(a_deposit()))

        assert [record.topic for record in said.first] == [NAMES.balances]
        topics_said = sorted(record.topic for record in said.records)
        assert topics_said == sorted([NAMES.results, NAMES.balance_events, NAMES.audit_events])
        assert {record.key for record in (*said.first, *said.records)} == {b"alice"}
        assert (said.sequences.lowest, said.usernames) == ({"alice": 1}, {"alice"})

    async def test_gives_what_is_to_go_back_along_with_a_registration(
        self, ledger: MemoryLedger
    ) -> None:
        asked = received(a_registration("bobby"), kafka_correlation_id=b"\xff\x00")
        said = await published(ledger, asked)

        [record] = [each for each in said.records if each.topic == NAMES.credentials]
        waiting = read_waiting(consumed(record.topic, record.value, key=record.key))
        assert isinstance(waiting, WaitingRecord)
        recorded = conclude(None, asked, Owners(), rules=RULES, now=NOON)
        assert isinstance(recorded, Conclusion)
        assert [*waiting.answer(recorded.outcome, NAMES.results).headers][-1] == (
            "kafka_correlationId",
            b"\xff\x00",
        )

    async def test_says_what_others_owe_before_its_own(self, ledger: MemoryLedger) -> None:
        await published(ledger, received(a_deposit("1.00", command_id="theirs")))

        said = await published(ledger, received(a_deposit("2.00", command_id="ours")))

        events = said_on(said.records, NAMES.balance_events)
        assert [event["command_id"] for event in events] == ["theirs", "ours"]
        assert said.records[0].topic == NAMES.balance_events
        assert said.sequences.lowest == {"alice": 1}

    async def test_says_only_the_last_of_several_states(self, ledger: MemoryLedger) -> None:
        commands = [received(a_deposit(command_id=f"d-{n}"), offset=n) for n in range(3)]

        said = await published(ledger, *commands)

        [state] = said_on(said.first, NAMES.balances)
        assert state["sequence"] == 3

    @pytest.mark.parametrize("again", [(), ("alice",)])
    async def test_says_a_state_as_new_as_the_last_event_that_others_owe(
        self, ledger: MemoryLedger, again: Sequence[str]
    ) -> None:
        """A lane that loses races goes on one by one, and others write between its transactions."""
        first, second = (received(a_deposit(command_id=f"d-{n}"), offset=n) for n in range(2))
        await applied(ledger, first)
        lane = await applied(ledger, first, again=again)
        await applied(ledger, second)
        lane.applied += (await applied(ledger, second)).applied

        said = said_of(lane)

        [state] = said_on(said.first, NAMES.balances)
        assert state["sequence"] == said_on(said.records, NAMES.balance_events)[-1]["sequence"] == 2

    async def test_repeats_result_and_audit_but_no_event_of_what_was_decided(
        self, ledger: MemoryLedger
    ) -> None:
        first, again = received(a_withdrawal()), received(a_withdrawal(), offset=9)
        before = await published(ledger, first)
        after = await published(
            ledger, replace(again, trace=Trace(correlation_id="again")), replace(first)
        )

        [audited] = said_on(before.records, NAMES.audit_events)
        assert said_on(after.records, NAMES.audit_events) == [audited] * 2
        [result] = said_on(before.records, NAMES.results)
        results = said_on(after.records, NAMES.results)
        assert results == [{**result, "duplicate": True}, result]
        asked = [each for each in after.records if each.topic == NAMES.results]
        traced = [dict(each.headers)["correlation_id"] for each in asked]
        assert traced == [b"again", b"w-1"]
        assert said_on(after.records, NAMES.balance_events) == []

    async def test_sends_an_answer_where_it_is_wanted_and_nothing_else(
        self, ledger: MemoryLedger
    ) -> None:
        said = await published(ledger, received(a_deposit(), reply_to=REPLY_TO))

        [reply] = said.replies
        assert (reply.to, reply.answer.topic) == (REPLY_TO, NAMES.results)
        assert said_on(said.records, NAMES.results) == []
        assert len(said.records) == 2

    async def test_sends_no_reply_to_the_results_topic_itself(self, ledger: MemoryLedger) -> None:
        said = await published(ledger, received(a_deposit(), reply_to=NAMES.results))

        assert (said.replies, len(said_on(said.records, NAMES.results))) == ([], 1)

    async def test_says_a_state_and_what_is_owed_once_more_where_asked(
        self, ledger: MemoryLedger
    ) -> None:
        await published(ledger, received(a_deposit()))

        said = await published(ledger, again=["alice", "nobody"])

        assert [record.topic for record in said.first] == [NAMES.balances]
        assert [record.topic for record in said.records] == [NAMES.balance_events]


class TestRegistration:
    async def test_waits_for_its_password_to_be_hashed(self, ledger: MemoryLedger) -> None:
        command = received(a_registration("bobby"), reply_to=REPLY_TO)

        said = await published(ledger, command)

        [record] = [each for each in said.records if each.topic == NAMES.credentials]
        pending = PendingCredential.model_validate_json(record.value)
        assert (pending.sealed_password, pending.reply_to) == (SEALED, REPLY_TO)
        assert (pending.result["status"], pending.headers["ce_type"]) == (
            "accepted",
            "accounts.result.v2",
        )
        assert dict(record.headers)["ce_type"] == b"accounts.pending-credential.v1"
        assert (said.replies, said_on(said.records, NAMES.results)) == ([], [])

    async def test_is_answered_at_once_where_it_is_refused(self, ledger: MemoryLedger) -> None:
        said = await published(ledger, received(a_registration("alice")))

        [result] = said_on(said.records, NAMES.results)
        assert result["status"] == "rejected"
        assert said_on(said.records, NAMES.credentials) == []

    async def test_asked_again_with_a_bad_seal_is_answered_from_the_record(
        self, ledger: MemoryLedger
    ) -> None:
        command = received(a_registration("bobby"))
        await published(ledger, command)

        said = await published(ledger, replace(command, judged=Judged(problem=Code.SEAL_INVALID)))

        [result] = said_on(said.records, NAMES.results)
        assert result["status"] == "accepted"

    async def test_leaves_no_seal_in_any_other_topic(self, ledger: MemoryLedger) -> None:
        said = await published(ledger, received(a_registration("bobby")))

        others = [each for each in said.records if each.topic != NAMES.credentials]
        assert others
        assert not any(SEALED.encode() in each.value for each in (*others, *said.first))


class TestUndecided:
    async def test_a_conflict_is_answered_and_leaves_no_dead_letter(
        self, ledger: MemoryLedger
    ) -> None:
        await published(ledger, received(a_deposit("1.00")))

        said = await published(ledger, received(a_deposit("2.00"), offset=1))

        [result] = said_on(said.records, NAMES.results)
        assert isinstance(result["error"], dict)
        assert result["error"]["code"] == "command_id_conflict"
        assert {r.topic for r in said.records} == {NAMES.results, NAMES.balance_events}

    def test_what_cannot_be_read_becomes_a_dead_letter_and_an_answer(self) -> None:
        publication = Publication(names=NAMES, group="group", read_at_s=0)

        publication.add_unreadable(a_problem(amount=1), "deposit")

        [letter] = publication.records
        [reply] = publication.replies
        assert letter.topic == NAMES.dead_letters
        body = orjson.loads(reply.answer.value)
        assert (reply.to, body["type"]) == (REPLY_TO, "deposit")
        assert body["error"]["errors"] == [field_error("amount", Problem.WRONG_TYPE)]

    def test_what_nobody_can_be_told_becomes_a_dead_letter_only(self) -> None:
        publication = Publication(names=NAMES, group="group", read_at_s=0)

        publication.add_unreadable(a_problem(username="NOBODY"), "deposit")

        assert [record.topic for record in publication.records] == [NAMES.dead_letters]
        assert publication.replies == []
        assert publication.dead[PREFIX + topics.DEPOSIT.name, "invalid_command"] == 1
