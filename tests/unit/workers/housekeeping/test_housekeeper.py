"""The housekeeper works under a lease, finds what is wrong, and is never in the way."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import timedelta

import pytest

from handlers.model.account import Account
from handlers.model.corrupt import CorruptDocument
from handlers.model.outcome import Outcome
from storage.memory.houses import MemoryHouses
from storage.memory.inspection import MemoryInspection
from storage.memory.ledger import MemoryCredentials, MemoryLedger
from storage.ports.errors import CorruptDocumentError, StoreUnavailableError
from tests.builders import an_account, some_changes
from workers.clock import utc_now
from workers.housekeeping import housekeeper
from workers.housekeeping.bookkeeping import Bookkeeping
from workers.housekeeping.housekeeper import Housekeeper
from workers.housekeeping.recount_rounds import RecountRounds
from workers.housekeeping.sweep import Sweep
from workers.monitoring.corrupt import CorruptDocuments
from workers.monitoring.metrics import Metrics

AWAY = "redis does not answer"
PENDING = "accounts_pending_registrations"
A_LEASE = CorruptDocument(collection="leases", id="housekeeper", username="", field="fencing_token")


class FewLeases:
    """Gives the lease while it may be had; Redis may be away."""

    def __init__(self) -> None:
        self.free = True
        self.away = False
        self.corrupt = False
        self.tokens = 0
        self.released = 0

    def _answer(self) -> bool:
        if self.away:
            raise StoreUnavailableError(AWAY)
        return self.free

    async def acquire(self) -> int | None:
        if not self._answer():
            return None
        if self.corrupt:
            raise CorruptDocumentError(A_LEASE)
        self.tokens += 1
        return self.tokens

    async def renew(self) -> bool:
        return self._answer()

    async def release(self) -> None:
        self._answer()
        self.released += 1


class Counted:
    """Counts how often states were published."""

    def __init__(self) -> None:
        self.calls = 0
        self.failing = False

    async def publish_states(self, accounts: Sequence[Account], owed: Sequence[Outcome]) -> None:
        del accounts, owed
        self.calls += 1
        if self.failing:
            raise ConnectionError("kafka://user:hunter2@host")


class House:
    """A housekeeper and all around it."""

    def __init__(self) -> None:
        self.lease = FewLeases()
        self.ledger = MemoryLedger()
        self.topic = Counted()
        self.metrics = Metrics()
        corrupt = CorruptDocuments(self.metrics)
        sweep = Sweep(
            self.ledger,
            self.topic,
            state_sweep_s=0.01,
            metrics=self.metrics,
            corrupt=corrupt,
            after="",
        )
        recount = RecountRounds(
            self.ledger, MemoryInspection(self.ledger), metrics=self.metrics, corrupt=corrupt
        )
        self.keeper = Housekeeper(
            lease=self.lease,
            credentials=MemoryCredentials(self.ledger),
            sweep=sweep,
            recount=recount,
            bookkeeping=Bookkeeping(
                MemoryHouses(self.ledger), metrics=self.metrics, corrupt=corrupt
            ),
            metrics=self.metrics,
            corrupt=corrupt,
        )

    async def store(self, account: Account, *outcomes: Outcome, opened: bool = False) -> None:
        changes = some_changes(
            accounts=[account], outcomes=outcomes, registered=[account] if opened else []
        )
        async with self.ledger.transaction() as transaction:
            await transaction.apply(changes)
            await transaction.commit()

    def corrupt_leases(self) -> float:
        name, of = "accounts_corrupt_documents_total", {"collection": "leases"}
        return self.metrics.registry.get_sample_value(name, of) or 0

    def value(self, name: str) -> float | None:
        return self.metrics.registry.get_sample_value(name)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - a metric has no event
            await asyncio.sleep(0.005)


@pytest.fixture
def house(monkeypatch: pytest.MonkeyPatch) -> House:
    for name in ("RENEW_S", "RETRY_S", "PENDING_PAUSE_S"):
        monkeypatch.setattr(housekeeper, name, 0.005)
    return House()


@pytest.fixture
async def running(house: House) -> AsyncIterator[House]:
    task = asyncio.create_task(house.keeper.run())
    yield house
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()


class TestHousekeeper:
    async def test_does_nothing_without_the_lease(self, house: House) -> None:
        house.lease.free = False
        await house.store(an_account())

        task = asyncio.create_task(house.keeper.run())
        await asyncio.sleep(0.05)
        task.cancel()

        assert house.topic.calls == 0

    async def test_stops_when_the_lease_is_lost_and_goes_on_when_it_is_back(
        self, running: House
    ) -> None:
        await running.store(an_account())
        await until(lambda: running.topic.calls > 0)

        running.lease.free = False
        await until(lambda: running.lease.released > 0)
        calls = running.topic.calls
        await asyncio.sleep(0.05)
        assert running.topic.calls == calls

        running.lease.free = True
        await until(lambda: running.topic.calls > calls)
        assert running.lease.tokens == 2

    async def test_pauses_while_redis_is_away(self, running: House) -> None:
        await running.store(an_account())
        await until(lambda: running.topic.calls > 0)

        running.lease.away = True
        await asyncio.sleep(0.05)
        calls = running.topic.calls
        await asyncio.sleep(0.05)
        assert running.topic.calls == calls

        running.lease.away = False
        await until(lambda: running.topic.calls > calls)

    @pytest.mark.parametrize(
        ("lost", "why"), [({"away": True}, AWAY), ({"free": False}, "Redis forgot")]
    )
    async def test_says_why_it_lost_the_lease(
        self,
        running: House,
        caplog: pytest.LogCaptureFixture,
        lost: dict[str, bool],
        why: str,
    ) -> None:
        caplog.set_level(logging.INFO)
        await until(lambda: running.lease.tokens == 1)

        for name, value in lost.items():
            setattr(running.lease, name, value)

        await until(lambda: "the lease with token 1 is lost" in caplog.text)
        assert why in caplog.text

    async def test_reports_a_lease_that_cannot_be_counted_and_goes_on_once_it_is_mended(
        self, house: House
    ) -> None:
        house.lease.corrupt = True
        await house.store(an_account())

        task = asyncio.create_task(house.keeper.run())
        await until(lambda: house.corrupt_leases() > 1)
        house.lease.corrupt = False
        await until(lambda: house.topic.calls > 0)

        task.cancel()

    async def test_gives_the_lease_back_when_the_process_ends(self, house: House) -> None:
        task = asyncio.create_task(house.keeper.run())
        await until(lambda: house.lease.tokens == 1)

        task.cancel()
        await asyncio.wait([task])

        assert house.lease.released == 1

    async def test_goes_on_with_the_others_when_one_chore_fails(
        self, running: House, caplog: pytest.LogCaptureFixture
    ) -> None:
        running.topic.failing = True
        await running.store(an_account(changed_at=utc_now() - timedelta(hours=1)), opened=True)

        await until(lambda: running.topic.calls > 2)
        await until(lambda: running.value(PENDING) == 1)

        assert "sweep: ConnectionError" in caplog.text
        assert "hunter2" not in caplog.text

    async def test_forgets_its_count_with_the_lease(self, running: House) -> None:
        await running.store(an_account(changed_at=utc_now() - timedelta(hours=1)), opened=True)
        await until(lambda: running.value(PENDING) == 1)

        running.lease.free = False

        await until(lambda: running.value(PENDING) == 0)

    @pytest.mark.parametrize(("age_s", "pending"), [(59, 0), (61, 1)])
    async def test_counts_registrations_that_wait_over_a_minute(
        self, house: House, age_s: int, pending: int
    ) -> None:
        changed_at = utc_now() - timedelta(seconds=age_s)
        await house.store(an_account(changed_at=changed_at), opened=True)

        await house.keeper.count_pending()

        assert house.value(PENDING) == pending
