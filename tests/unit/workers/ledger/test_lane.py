"""A lane goes on until its commands are applied: once each, whatever the store answers (5.4)."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from msgspec.structs import replace

from contracts.codes import Code
from handlers.ledger.finality import PartitionPosition
from handlers.model.input_records import CommandRecord
from storage.memory.ledger import MemoryLedger
from tests.builders import NOON, an_account, readable
from tests.ports.written import write
from tests.received import (
    TOPICS,
    a_deposit,
    a_registration,
    a_withdrawal,
    an_update,
    nothing_read,
    received,
    repeats,
)
from tests.unit.workers.ledger.ledger_faults import Fault, FaultyLedger
from tests.unit.workers.ledger.ledger_lanes import SimpleLaneDependencies
from workers.batches.writer_generation import AbandonedError
from workers.ledger.lane import RACES_MAX, Lane


def a_lane(
    dependencies: SimpleLaneDependencies, *commands: CommandRecord, again: Sequence[str] = ()
) -> Lane:
    users: dict[str, list[CommandRecord]] = {}
    for command in commands:
        users.setdefault(command.command.username, []).append(command)
    return Lane(dependencies.surroundings(), users=users, again=list(again))


def answered(lane: Lane) -> list[str]:
    return [
        answer.received.command.command_id
        for applied in lane.applied
        for answer in applied.decision.answers
    ]


async def posted(ledger: MemoryLedger, username: str = "alice") -> int:
    account = await ledger.account(username)
    assert account is not None
    return account.balances["USD"].posted_minor


@pytest.fixture
async def ledger() -> FaultyLedger:
    ledger = FaultyLedger()
    await write(ledger, accounts=[an_account(), an_account("bobby")])
    return ledger


DEPOSITS = [received(a_deposit("1.00", command_id=f"d-{n}"), offset=n) for n in range(3)]
BOBBYS = received(a_deposit("1.00", "bobby"), at_ms=0)


class TestLane:
    async def test_applies_everything_in_one_transaction(self, ledger: FaultyLedger) -> None:
        before, lane = ledger.commits, a_lane(SimpleLaneDependencies(ledger), *DEPOSITS, BOBBYS)

        await lane.run()

        assert (await posted(ledger), await posted(ledger, "bobby")) == (300, 100)
        assert ledger.commits == before + 1
        assert len(lane.applied) == 1

    @pytest.mark.parametrize("lost", range(RACES_MAX))
    async def test_tries_again_whole_after_a_lost_race(
        self, ledger: FaultyLedger, lost: int
    ) -> None:
        dependencies = SimpleLaneDependencies(ledger)
        ledger.planned = [Fault.LOST] * lost
        lane = a_lane(dependencies, *DEPOSITS)

        await lane.run()

        assert (len(lane.applied), await posted(ledger)) == (1, 300)
        assert dependencies.pauses == [(None, 0)] * lost

    async def test_goes_one_by_one_in_decided_order_after_too_many(
        self, ledger: FaultyLedger
    ) -> None:
        ledger.planned = [Fault.LOST] * RACES_MAX
        withdrawal = received(a_withdrawal("3.00"), at_ms=900)
        lane = a_lane(
            SimpleLaneDependencies(ledger), withdrawal, *DEPOSITS, BOBBYS, again=["carol"]
        )

        await lane.run()

        assert answered(lane) == ["d-0", "d-1", "d-2", "w-1", "d-1"]
        sizes = [len(applied.decision.answers) for applied in lane.applied]
        assert sizes == [1, 1, 1, 1, 1, 0]
        assert await posted(ledger) == 0

    async def test_goes_on_trying_with_longer_and_longer_waits(self, ledger: FaultyLedger) -> None:
        dependencies = SimpleLaneDependencies(ledger)
        ledger.planned = [Fault.LOST] * (RACES_MAX + 4)

        await a_lane(dependencies, BOBBYS).run()

        assert [tries for _, tries in dependencies.pauses if tries] == [1, 2, 3, 4]
        assert await posted(ledger, "bobby") == 100

    async def test_keeps_what_others_decided_meanwhile(self, ledger: FaultyLedger) -> None:
        rival = received(a_deposit("9.00", command_id="rival"), offset=9)
        lane = a_lane(SimpleLaneDependencies(ledger), *DEPOSITS)
        await a_lane(SimpleLaneDependencies(ledger), rival, DEPOSITS[1]).run()

        await lane.run()

        assert await posted(ledger) == 1200
        [applied] = lane.applied
        assert [answer.new for answer in applied.decision.answers] == [True, False, True]
        assert [each.outcome.command_id for each in applied.owed] == ["rival", "d-1"]
        assert (lane.shared, lane.sequences.lowest) == (["alice"], {"alice": 1})

    @pytest.mark.parametrize("fault", [Fault.UNKNOWN_DONE, Fault.UNKNOWN_NOT_DONE])
    async def test_takes_a_new_name_where_nobody_knows_whether_it_was_committed(
        self, ledger: FaultyLedger, fault: Fault
    ) -> None:
        dependencies = SimpleLaneDependencies(ledger)
        name = dependencies.generation.writer
        ledger.planned = [fault]
        lane = a_lane(dependencies, BOBBYS)

        await lane.run()

        assert dependencies.generation.writer != name
        assert dependencies.pauses == [(None, 1)]
        [applied] = lane.applied
        [answer] = applied.decision.answers
        done = fault is Fault.UNKNOWN_DONE
        assert (answer.new, repeats(answer), len(applied.owed)) == (not done, False, int(done))
        assert await posted(ledger, "bobby") == 100

    async def test_waits_by_name_for_a_store_that_is_away(self, ledger: FaultyLedger) -> None:
        dependencies = SimpleLaneDependencies(ledger)
        ledger.planned = [Fault.AWAY] * 3

        await a_lane(dependencies, BOBBYS).run()

        assert dependencies.pauses == [("mongodb", 1), ("mongodb", 2), ("mongodb", 3)]
        assert await posted(ledger, "bobby") == 100

    @pytest.mark.parametrize("behind", [0, RACES_MAX])
    async def test_writes_nothing_more_once_it_was_given_up(
        self, ledger: FaultyLedger, behind: int
    ) -> None:
        dependencies = SimpleLaneDependencies(ledger)
        ledger.planned = [*[Fault.LOST] * behind, Fault.ABANDONED_BEFORE]
        ledger.strike = lambda _: dependencies.generation.end()
        lane = a_lane(dependencies, *DEPOSITS, again=["bobby"])

        if behind:
            with pytest.raises(AbandonedError):
                await lane.run()
        else:
            await lane.run()

        stored = await ledger.account("alice")
        assert stored is not None
        assert (stored.sequence, stored.writer) == (1 if behind else 3, stored.writer)
        assert stored.writer != dependencies.generation.writer

    async def test_asks_for_ends_once_and_decides_again(self, ledger: FaultyLedger) -> None:
        asked = {0: dict.fromkeys(TOPICS, 5)}
        ours = {(topic, 0): PartitionPosition(cursor=5) for topic in TOPICS}
        readings = [nothing_read(), replace(nothing_read(), ours=ours, asked=asked)]
        dependencies = SimpleLaneDependencies(ledger, reading=lambda: readings.pop(0))
        lane = a_lane(dependencies, received(a_withdrawal("1.00")))

        await lane.run()

        assert dependencies.questions == [{0}]
        [answer] = lane.applied[0].decision.answers
        assert answer.outcome is not None
        assert answer.outcome.code is Code.INSUFFICIENT_FUNDS
        assert lane.provisional

    @pytest.mark.parametrize(
        "kind", ["a repeat", "a conflict", "a command that waits", "a state once more"]
    )
    async def test_commits_also_where_nothing_is_written(
        self, ledger: FaultyLedger, kind: str
    ) -> None:
        """A snapshot that no majority has must not be told: a deposed primary's answers."""
        dependencies = SimpleLaneDependencies(ledger)
        await a_lane(dependencies, BOBBYS).run()
        dependencies.reading = nothing_read
        lane = {
            "a repeat": a_lane(dependencies, BOBBYS),
            "a conflict": a_lane(dependencies, received(a_deposit("2.00", "bobby"))),
            "a command that waits": a_lane(dependencies, received(a_withdrawal("9.00", "bobby"))),
            "a state once more": a_lane(dependencies, again=["bobby"]),
        }[kind]
        stored, commits = await ledger.account("bobby"), ledger.commits
        ledger.planned = [Fault.LOST]

        await lane.run()

        assert dependencies.pauses == [
            (None, 0)
        ]  # the first commit did not succeed, so it was not told
        assert ledger.commits == commits + 1
        [applied] = lane.applied
        assert not applied.decision.changes
        assert await ledger.account("bobby") == stored

    async def test_says_what_has_to_wait(self, ledger: FaultyLedger) -> None:
        withdrawal = received(a_withdrawal("1.00"))
        lane = a_lane(SimpleLaneDependencies(ledger, reading=nothing_read), withdrawal, BOBBYS)

        await lane.run()

        assert lane.parked == [withdrawal]
        assert await posted(ledger, "bobby") == 100

    async def test_gathers_again_an_account_only_to_be_published(
        self, ledger: FaultyLedger
    ) -> None:
        await a_lane(SimpleLaneDependencies(ledger), BOBBYS).run()
        lane = a_lane(SimpleLaneDependencies(ledger), again=["bobby"])

        await lane.run()

        [applied] = lane.applied
        assert list(applied.accounts) == ["bobby"]
        assert len(applied.owed) == 1
        assert await ledger.count_outcomes() == 1


class TestAddresses:
    @pytest.fixture
    async def ledger(self) -> FaultyLedger:
        ledger = FaultyLedger()
        await a_lane(SimpleLaneDependencies(ledger), received(a_registration())).run()
        return ledger

    async def test_stay_claimed_by_an_update_of_something_else(self, ledger: FaultyLedger) -> None:
        await a_lane(SimpleLaneDependencies(ledger), received(an_update(first_name="New"))).run()

        stored = await ledger.account("alice")
        assert stored is not None
        assert stored.profile.first_name == "New"

    async def test_change_hands_between_two_lanes(self, ledger: FaultyLedger) -> None:
        update = received(an_update(email="new@example.com"))
        take = received(a_registration("bobby", email="ALICE@example.com"))

        await a_lane(SimpleLaneDependencies(ledger), update).run()
        await a_lane(SimpleLaneDependencies(ledger), take).run()

        async with ledger.transaction() as transaction:
            owners = await transaction.email_owners(["alice@example.com", "new@example.com"])
        assert owners == {"alice@example.com": "bobby", "new@example.com": "alice"}


async def test_the_clock_of_a_worker_may_go_back(ledger: FaultyLedger) -> None:
    times = [NOON + timedelta(seconds=5), NOON]
    dependencies = SimpleLaneDependencies(ledger)
    dependencies.clock = lambda: times.pop(0)

    for command in DEPOSITS[:2]:
        await a_lane(dependencies, command).run()

    moments = [each.decided_at for each in readable([each async for each in ledger.history()])]
    assert moments == [NOON + timedelta(seconds=5)] * 2
