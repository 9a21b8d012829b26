"""A repair finds out what is wrong, mends it beside running workers, and says what was missed."""

from collections.abc import Sequence

import orjson
import pytest
from msgspec.structs import replace

from contracts.events import AuditRecorded
from handlers.history.operating import audit_event
from handlers.history.repair import Repair
from handlers.model.account import Account, Balance
from handlers.model.outcome import Outcome
from handlers.model.unpublished import EntryRange
from storage.ports.errors import LostRaceError
from tests.builders import NOON, a_claim, an_account, an_entry, an_outcome
from tests.identity_builders import a_credential, a_session
from tests.unit.workers.housekeeping.repairs_in_memory import Lacking, Workshop


@pytest.fixture
def shop() -> Workshop:
    return Workshop()


RAISED = {"USD": Balance(posted_minor=1_000_000, scale=2)}


class TestExamine:
    async def test_finds_nothing_to_do_where_all_is_right(self, shop: Workshop) -> None:
        diagnosis = await shop.repairing.examine("alice")

        assert not diagnosis.is_needed
        assert not diagnosis.problems

    async def test_changes_nothing(self, shop: Workshop) -> None:
        shop.by_hand(balances=RAISED)

        diagnosis = await shop.repairing.examine("alice")

        assert diagnosis.is_needed
        assert (await shop.ledger.account("alice") or shop.account).balances == RAISED
        assert shop.said.records == []

    @pytest.mark.parametrize("damage", ["corrupt", "gap", "broken chain"])
    async def test_does_not_build_on_entries_that_do_not_add_up(
        self, shop: Workshop, damage: str
    ) -> None:
        entries, commit = shop.ledger.entries, shop.ledger.commits
        wrong = an_outcome(sequence=3, entry=an_entry(3, before_minor=5, after_minor=1005))
        match damage:
            case "corrupt":
                shop.damage("outcomes", "alice:command-2", "entry.scale")
            case "gap":
                entries.put(("alice", 2), None, commit)
            case _:
                entries.put(("alice", 3), wrong, commit)
        shop.by_hand(balances=RAISED)

        diagnosis = await shop.repairing.examine("alice")

        assert diagnosis.problems
        assert not diagnosis.is_needed

    async def test_says_which_other_outcome_stays_corrupt(self, shop: Workshop) -> None:
        shop.damage("outcomes", "alice:registration", "code")

        diagnosis = await shop.repairing.examine("alice")

        [remark] = diagnosis.remarks
        assert "alice:registration: code is missing or wrong" in remark


class TestCarryOut:
    async def test_takes_back_a_raised_balance_and_says_so(self, shop: Workshop) -> None:
        """P6."""
        shop.by_hand(balances=RAISED)

        await shop.repair()

        account = await shop.ledger.account("alice")
        assert account is not None
        assert account.balances == shop.account.balances
        assert account.version == 2
        [repair] = shop.said.audits
        assert repair.detail == "balances.USD 10000.00 -> 30.00"
        assert shop.said.records == [("state", 2), ("audit", repair.id)]
        assert await shop.ledger.signed_off([account.writer]) == {repair.id}
        assert not (await shop.repairing.examine("alice")).is_needed

    async def test_rebuilds_what_cannot_be_read(self, shop: Workshop) -> None:
        shop.damage("accounts", "alice", "balances.0.posted_minor")

        await shop.repair()

        account = await shop.ledger.account("alice")
        assert account is not None
        assert account.balances == shop.account.balances

    async def test_loses_to_a_worker_and_can_be_tried_again(self, shop: Workshop) -> None:
        """P7."""
        shop.by_hand(balances=RAISED)
        diagnosis = await shop.repairing.examine("alice")
        await shop.write(accounts=[replace(shop.account, balances=RAISED, version=2)])

        with pytest.raises(LostRaceError):
            await shop.repairing.carry_out(diagnosis, actor=None)
        assert shop.said.records == []
        await shop.repair()

        assert (await shop.ledger.account("alice") or shop.account).version == 3

    async def test_publishes_what_a_killed_writer_owed(self, shop: Workshop) -> None:
        """P5."""
        shop.by_hand(writer="killed")

        await shop.repair()

        assert shop.said.events() == [2, 3]
        assert shop.said.records[-2:] == [("state", 1), ("audit", shop.said.audits[0].id)]

    async def test_publishes_from_the_first_event_that_the_topic_lacks(
        self, shop: Workshop
    ) -> None:
        """P5: whoever stopped at the gap goes on in order."""
        diagnosis = await shop.repair(published=Lacking(2))

        assert shop.said.events() == [2, 3]
        assert diagnosis.lacking == 1
        [repair] = shop.repairs.repairs.values()
        assert repair.published == EntryRange(username="alice", after=1, up_to=3)
        assert repair.detail == "events 2 to 3 published again"

    async def test_reads_a_long_history_in_pieces(
        self, shop: Workshop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("workers.housekeeping.repair.EVENTS_MAX", 2)

        await shop.repair(published=Lacking(1))

        assert shop.said.events() == [1, 2, 3]

    async def test_finishes_what_an_earlier_one_could_not_say(self, shop: Workshop) -> None:
        shop.by_hand(balances=RAISED, writer="killed")
        shop.said.away = True
        with pytest.raises(ConnectionError):
            await shop.repair()
        shop.said.away = False

        again = await shop.repair()

        assert again.unfinished is not None
        assert shop.said.events() == [2, 3]
        assert [repair.detail for repair in shop.said.audits] == [
            "balances.USD 10000.00 -> 30.00; events 2 to 3 published again"
        ]
        assert not (await shop.repairing.examine("alice")).is_needed

    async def test_says_the_state_again_that_a_worker_wrote_meanwhile(
        self, shop: Workshop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        shop.by_hand(balances=RAISED)
        publish = shop.said.publish_states
        written: list[int] = []

        async def write_then_publish(accounts: Sequence[Account], owed: Sequence[Outcome]) -> None:
            for account in accounts:
                if not written:
                    written.append(account.version + 1)
                    await shop.write(accounts=[replace(account, version=account.version + 1)])
            await publish(accounts, owed)

        monkeypatch.setattr(shop.said, "publish_states", write_then_publish)

        await shop.repair()

        assert [what for kind, what in shop.said.records if kind == "state"] == [2, 3]


class TestClaims:
    async def test_gives_up_a_stray_one_and_takes_its_own(self, shop: Workshop) -> None:
        await shop.write(released=[a_claim()], claimed=[a_claim("stray@example.com")])

        await shop.repair()

        assert await shop.owners() == {"alice@example.com": "alice"}
        assert (await shop.ledger.account("alice") or shop.account).version == 2

    async def test_takes_its_own_from_an_account_that_does_not_use_it(self, shop: Workshop) -> None:
        bob = an_account("bob")
        await shop.write(released=[a_claim()], claimed=[a_claim(username="bob")], accounts=[bob])

        await shop.repair()

        assert await shop.owners() == {"alice@example.com": "alice"}

    async def test_leaves_it_to_an_account_that_uses_it(self, shop: Workshop) -> None:
        bob = replace(an_account("bob"), profile=shop.account.profile)
        await shop.write(released=[a_claim()], claimed=[a_claim(username="bob")], accounts=[bob])

        diagnosis = await shop.repairing.examine("alice")

        assert not diagnosis.is_needed
        assert diagnosis.remarks == ["its e-mail address is claimed for bob, whose account uses it"]


class TestNothingLeft:
    async def test_deletes_what_names_an_account_that_never_was(self, shop: Workshop) -> None:
        await shop.write(
            claimed=[a_claim("n@example.com", "nobody")], registered=[an_account("nobody")]
        )
        await shop.credentials.insert([a_credential("nobody")])
        shop.identities.sessions["s"] = a_session("s", username="nobody")

        diagnosis = await shop.repairing.examine("nobody")
        await shop.repairing.carry_out(diagnosis, actor=None)

        assert await shop.owners() == {"alice@example.com": "alice"}
        assert shop.credentials.by_username == {}
        assert shop.identities.sessions == {}

    async def test_deletes_nothing_where_outcomes_say_that_there_was_an_account(
        self, shop: Workshop
    ) -> None:
        refused = an_outcome("nobody", code="expired")
        await shop.write(outcomes=[refused], claimed=[a_claim("n@example.com", "nobody")])

        diagnosis = await shop.repairing.examine("nobody")

        assert diagnosis.problems
        assert not diagnosis.discarded


def test_the_audit_event_is_as_the_contract_says() -> None:
    repair = Repair(
        id="repair-1", username="alice", at=NOON, detail="x" * 5000, actor="an operator"
    )

    record = audit_event(repair)

    event = AuditRecorded.model_validate_json(record.value)
    assert (event.action, event.actor, event.command_id) == ("repair", "an operator", "repair-1")
    assert len(event.detail or "") == 1000
    assert orjson.loads(record.value)["event_id"] == "alice:repair-1:audit"
