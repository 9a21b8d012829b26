"""The housekeeper works under a lease, finds what is wrong, and is never in the way."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import timedelta

import pytest
from msgspec.structs import replace

from handlers.account import Account
from handlers.corrupt import CorruptDocument
from handlers.outcome import Outcome
from handlers.verification import Violation
from storage.memory import MemoryCredentials, MemoryLedger
from storage.ports import StoreUnavailableError
from tests.builders import an_account, an_entry, an_outcome, some_changes
from workers import housekeeper
from workers.clock import utc_now
from workers.housekeeper import Housekeeper
from workers.metrics import Metrics
from workers.recount import recount_page
from workers.sweep import Sweep

VIOLATIONS = "accounts_invariant_violations_total"
PENDING = "accounts_pending_registrations"


class FewLeases:
    """Gives the lease while it may be had; Redis may be away."""

    def __init__(self) -> None:
        self.free = True
        self.away = False
        self.tokens = 0
        self.released = 0

    def _answer(self) -> bool:
        if self.away:
            raise StoreUnavailableError("redis does not answer")
        return self.free

    async def acquire(self) -> int | None:
        if not self._answer():
            return None
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
        sweep = Sweep(self.ledger, self.topic, state_sweep_s=0.01, metrics=self.metrics, after="")
        self.keeper = Housekeeper(
            lease=self.lease,
            ledger=self.ledger,
            credentials=MemoryCredentials(self.ledger),
            sweep=sweep,
            metrics=self.metrics,
        )

    async def store(self, account: Account, *outcomes: Outcome, opened: bool = False) -> None:
        changes = some_changes(
            accounts=[account], outcomes=outcomes, opened=[account] if opened else []
        )
        async with self.ledger.transaction() as transaction:
            await transaction.apply(changes)
            await transaction.commit()

    def value(self, name: str) -> float | None:
        return self.metrics.registry.get_sample_value(name)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - a metric has no event
            await asyncio.sleep(0.005)


@pytest.fixture
def house(monkeypatch: pytest.MonkeyPatch) -> House:
    for name in ("RENEW_S", "RETRY_S", "RECOUNT_PAUSE_S", "RECOUNT_AGAIN_S", "PENDING_PAUSE_S"):
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
        await running.store(an_account(opened_at=utc_now() - timedelta(hours=1)), opened=True)

        await until(lambda: running.topic.calls > 2)
        await until(lambda: running.value(PENDING) == 1)

        assert "sweep: ConnectionError" in caplog.text
        assert "hunter2" not in caplog.text

    async def test_forgets_its_count_with_the_lease(self, running: House) -> None:
        await running.store(an_account(opened_at=utc_now() - timedelta(hours=1)), opened=True)
        await until(lambda: running.value(PENDING) == 1)

        running.lease.free = False

        await until(lambda: running.value(PENDING) == 0)

    @pytest.mark.parametrize(("age_s", "pending"), [(59, 0), (61, 1)])
    async def test_counts_registrations_that_wait_over_a_minute(
        self, house: House, age_s: int, pending: int
    ) -> None:
        opened_at = utc_now() - timedelta(seconds=age_s)
        await house.store(an_account(opened_at=opened_at), opened=True)

        await house.keeper.count_pending()

        assert house.value(PENDING) == pending


class TestRecount:
    async def test_finds_nothing_where_all_is_right(self, house: House) -> None:
        await house.store(an_account(posted_minor=1000, sequence=1), an_outcome(sequence=1))

        await house.keeper.recount()

        assert house.value(VIOLATIONS) == 0
        assert house.value("accounts_verified_accounts_total") == 1

    async def test_alerts_without_naming_the_person(
        self, house: House, caplog: pytest.LogCaptureFixture
    ) -> None:
        wrong = an_account(posted_minor=999, sequence=1, account_id="id-1")
        await house.store(wrong, an_outcome(sequence=1, account_id="id-1"))

        with caplog.at_level(logging.ERROR):
            await house.keeper.recount()

        assert house.value(VIOLATIONS) == 1
        assert "account id-1: wrong_sum" in caplog.text
        assert "alice" not in caplog.text

    async def test_comes_past_every_account(
        self, house: House, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(housekeeper, "RECOUNT_ACCOUNTS", 2)
        for name in ("a", "b", "c", "d", "e"):
            await house.store(an_account(name, posted_minor=1))

        for _ in range(3):
            await house.keeper.recount()

        assert house.value(VIOLATIONS) == 5

    async def test_counts_what_contradicts_itself(self, house: House) -> None:
        async def contradict(*, after: str, limit: int) -> Sequence[Account | CorruptDocument]:
            del after, limit
            return [an_account(posted_minor=-1)]

        house.ledger.page = contradict

        with pytest.raises(AssertionError):
            await house.keeper.recount()

        assert house.value(VIOLATIONS) == 1

    async def test_does_not_report_an_account_that_is_just_being_written(
        self, house: House
    ) -> None:
        account = an_account(posted_minor=1000, sequence=1)
        await house.store(account, an_outcome(sequence=1))
        page = house.ledger.page

        async def read_then_write(*, after: str, limit: int) -> Sequence[Account | CorruptDocument]:
            found = await page(after=after, limit=limit)
            entry = an_entry(2, before_minor=1000, after_minor=2000)
            more = replace(an_account(posted_minor=2000, sequence=2), version=2)
            await house.store(more, an_outcome(sequence=2, entry=entry))
            await house.store(
                an_account("bob", posted_minor=1000, sequence=1), an_outcome("bob", sequence=1)
            )
            return found

        house.ledger.page = read_then_write

        await house.keeper.recount()

        assert house.value(VIOLATIONS) == 0

    async def test_reports_entries_that_no_account_counts(self, house: House) -> None:
        await house.store(an_account("bob"), an_outcome("bob", sequence=1))
        await house.store(an_account("eve"), an_outcome("carol", sequence=1))

        page = await recount_page(house.ledger, after="", limit=10, pace=_at_once)

        found = [(one.username, one.violation) for one in page.discrepancies]
        assert found == [
            ("bob", Violation.ENTRIES_AHEAD),
            ("carol", Violation.UNKNOWN_ACCOUNT),
        ]
        assert (page.accounts, page.entries, page.last) == (2, 2, None)


async def _at_once(entries: int) -> None:
    del entries
