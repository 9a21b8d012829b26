"""Whose marks need no second look: what makes a restart cheap must never make it forget (P5)."""

from collections.abc import Collection

from storage.memory.ledger import MemoryLedger
from tests.builders import NOON, an_account
from tests.ports.written import write
from tests.received import a_deposit, received
from tests.unit.workers.ledger.ledger_lanes import SimpleLaneDependencies
from workers.ledger.lane import Lane
from workers.ledger.writer_sign_offs import WriterSignOffs


class CountingLedger(MemoryLedger):
    """Remembers who was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[set[str]] = []

    async def signed_off(self, writers: Collection[str]) -> Collection[str]:
        self.asked.append(set(writers))
        return await super().signed_off(writers)


class TestPredecessors:
    async def test_are_asked_for_once(self) -> None:
        ledger = CountingLedger()
        await ledger.sign_off("clean", at=NOON)
        writer_sign_offs = WriterSignOffs(ledger)

        answers = [await writer_sign_offs.signed_off({"clean", "killed"}) for _ in range(2)]
        answers.append(await writer_sign_offs.signed_off({"clean", "other"}))

        assert answers == [{"clean"}] * 3
        assert ledger.asked == [{"clean", "killed"}, {"other"}]

    async def test_are_asked_for_again_when_partitions_have_moved(self) -> None:
        ledger = CountingLedger()
        writer_sign_offs = WriterSignOffs(ledger)
        assert await writer_sign_offs.signed_off({"stopping"}) == set()
        await ledger.sign_off("stopping", at=NOON)

        before = await writer_sign_offs.signed_off({"stopping"})
        writer_sign_offs.forget()

        assert before == set()
        assert await writer_sign_offs.signed_off({"stopping"}) == {"stopping"}


class TestLane:
    async def test_takes_over_from_a_writer_that_signed_off_without_saying_anything_again(
        self,
    ) -> None:
        ledger = MemoryLedger()
        await write(ledger, accounts=[an_account(writer="clean", sequence=7, published_sequence=3)])
        await ledger.sign_off("clean", at=NOON)
        dependencies = SimpleLaneDependencies(ledger)
        lane = Lane(
            dependencies.surroundings(), users={"alice": [received(a_deposit("1.00", "alice"))]}
        )

        await lane.run()

        [applied] = lane.applied
        assert (applied.owed, lane.shared, lane.sequences.lowest) == ((), [], {"alice": 8})
        account = await ledger.account("alice")
        assert account is not None
        assert (account.writer, account.published_sequence) == (dependencies.generation.writer, 7)
