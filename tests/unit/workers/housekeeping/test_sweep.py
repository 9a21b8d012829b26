"""The slow sweep leaves every account's latest state last, with all events that are owed."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from handlers.model.account import Account
from handlers.model.corrupt import CorruptDocument
from handlers.model.outcome import Outcome
from storage.memory.ledger import MemoryLedger
from tests.builders import an_account, an_outcome, some_changes
from workers.housekeeping import sweep
from workers.housekeeping.sweep import PAGE_MAX, PAGE_MIN, Sweep, plan
from workers.monitoring.corrupt import CorruptDocuments
from workers.monitoring.metrics import Metrics

HOUR_S = 3600.0


async def store(ledger: MemoryLedger, account: Account, *outcomes: Outcome) -> Account:
    async with ledger.transaction() as transaction:
        await transaction.apply(some_changes(accounts=[account], outcomes=outcomes))
        await transaction.commit()
    return account


async def change(ledger: MemoryLedger, username: str) -> Account:
    """Write one account again, as its worker does."""
    stored = await ledger.account(username)
    assert stored is not None
    return await store(ledger, replace(stored, version=stored.version + 1))


async def owing(ledger: MemoryLedger, username: str, *, published: int, sequence: int) -> None:
    outcomes = [an_outcome(username, sequence=each) for each in range(1, sequence + 1)]
    account = an_account(username, sequence=sequence, published_sequence=published)
    await store(ledger, account, *outcomes)


def damage(ledger: MemoryLedger, collection: str, name: str, username: str) -> None:
    """Make a document one that cannot be understood."""
    ledger.corrupt[collection, name] = CorruptDocument(
        collection=collection, id=name, username=username, field="version"
    )


class Topic:
    """Takes what is published; a worker may change accounts while it does."""

    def __init__(self, ledger: MemoryLedger, *, changing: str = "", times: int = 0) -> None:
        self.states: list[tuple[str, int]] = []
        self.events: list[tuple[str, int]] = []
        self.said: list[str] = []
        self.failing = False
        self._ledger = ledger
        self._changing = changing
        self._times = times

    async def publish_states(self, accounts: Sequence[Account], owed: Sequence[Outcome]) -> None:
        if self.failing:
            raise ConnectionError
        self.said += ["state"] * len(accounts) + ["event"] * len(owed)
        self.states += [(account.username, account.version) for account in accounts]
        self.events += [(each.username, each.entry.sequence) for each in owed if each.entry]
        if self._times and any(account.username == self._changing for account in accounts):
            self._times -= 1
            await change(self._ledger, self._changing)


def a_sweep(ledger: MemoryLedger, topic: Topic, metrics: Metrics | None = None) -> Sweep:
    metrics = metrics or Metrics()
    return Sweep(
        ledger,
        topic,
        state_sweep_s=HOUR_S,
        metrics=metrics,
        corrupt=CorruptDocuments(metrics),
        after="",
    )


@pytest.fixture
def ledger() -> MemoryLedger:
    return MemoryLedger()


class TestSweep:
    async def test_comes_past_every_account_again_and_again(self, ledger: MemoryLedger) -> None:
        names = [f"user-{number:03}" for number in range(2 * PAGE_MIN + 5)]
        for name in names:
            await store(ledger, an_account(name))
        topic = Topic(ledger)
        under_test = a_sweep(ledger, topic)

        for _ in range(6):
            await under_test.step()

        assert [name for name, _ in topic.states] == names * 2

    async def test_begins_again_at_once_behind_a_last_full_page(self, ledger: MemoryLedger) -> None:
        for number in range(PAGE_MIN):
            await store(ledger, an_account(f"user-{number}"))
        under_test = a_sweep(ledger, Topic(ledger))

        pauses = [await under_test.step() for _ in range(2)]

        assert pauses == [HOUR_S / 2, sweep.ROUND_MIN_S]

    async def test_publishes_the_owed_events_in_order_after_the_states(
        self, ledger: MemoryLedger
    ) -> None:
        await owing(ledger, "alice", published=1, sequence=4)
        await owing(ledger, "bob", published=2, sequence=2)
        topic = Topic(ledger)

        await a_sweep(ledger, topic).step()

        assert topic.events == [("alice", 2), ("alice", 3), ("alice", 4)]
        assert topic.said == ["state"] * 2 + ["event"] * 3

    async def test_reads_a_bounded_number_of_events_at_once(
        self, ledger: MemoryLedger, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sweep, "OWED_MAX", 3)
        await owing(ledger, "alice", published=0, sequence=5)
        await owing(ledger, "bob", published=0, sequence=2)
        topic = Topic(ledger)
        sizes: list[int] = []
        publish = topic.publish_states

        async def note(accounts: Sequence[Account], owed: Sequence[Outcome]) -> None:
            sizes.append(len(owed))
            await publish(accounts, owed)

        monkeypatch.setattr(topic, "publish_states", note)
        await a_sweep(ledger, topic).step()

        assert sizes == [0, 3, 3, 1]
        assert topic.events == [("alice", each) for each in range(1, 6)] + [("bob", 1), ("bob", 2)]

    async def test_publishes_again_what_changed_meanwhile(self, ledger: MemoryLedger) -> None:
        await store(ledger, an_account("alice"))
        await store(ledger, an_account("bob"))
        topic = Topic(ledger, changing="bob", times=2)

        await a_sweep(ledger, topic).step()

        assert topic.states == [("alice", 1), ("bob", 1), ("bob", 2), ("bob", 3)]

    async def test_comes_back_soon_to_an_account_that_never_rests(
        self, ledger: MemoryLedger
    ) -> None:
        names = [f"user-{number:03}" for number in range(3 * PAGE_MIN)]
        for name in names:
            await store(ledger, an_account(name))
        topic = Topic(ledger, changing=names[0], times=sweep.SETTLE_TRIES + 1)
        under_test = a_sweep(ledger, topic)

        pause_s = await under_test.step()
        await under_test.step()

        assert pause_s == sweep.ROUND_S
        assert [version for name, version in topic.states if name == names[0]][-1] == (
            await ledger.account(names[0]) or an_account()
        ).version

    async def test_reports_entries_that_are_missing(self, ledger: MemoryLedger) -> None:
        await store(ledger, an_account("alice", sequence=3), an_outcome("alice", sequence=1))
        topic, metrics = Topic(ledger), Metrics()

        await a_sweep(ledger, topic, metrics).step()

        name = "accounts_invariant_violations_total"
        assert metrics.registry.get_sample_value(name) == 1
        assert topic.events == [("alice", 1)]
        assert topic.states == [("alice", 1)]

    async def test_leads_nobody_past_an_entry_that_is_missing(
        self, ledger: MemoryLedger, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """P5: of every account up to its first gap, whatever is read at once."""
        monkeypatch.setattr(sweep, "OWED_MAX", 3)
        there = [an_outcome("alice", sequence=each) for each in (1, 3, 4, 5)]
        await store(ledger, an_account("alice", sequence=5), *there)
        await owing(ledger, "bob", published=0, sequence=2)
        topic = Topic(ledger)

        await a_sweep(ledger, topic).step()

        assert topic.events == [("alice", 1), ("bob", 1), ("bob", 2)]

    async def test_reports_what_is_corrupt_and_goes_on(self, ledger: MemoryLedger) -> None:
        for name in ("alice", "bob", "carol"):
            await owing(ledger, name, published=0, sequence=2)
        damage(ledger, "accounts", "alice", "alice")
        damage(ledger, "outcomes", "bob:command-2", "bob")
        topic, metrics = Topic(ledger), Metrics()

        await a_sweep(ledger, topic, metrics).step()

        assert topic.states == [("bob", 1), ("carol", 1)]
        assert topic.events == [("bob", 1), ("carol", 1), ("carol", 2)]
        for collection in ("accounts", "outcomes"):
            name, labels = "accounts_corrupt_documents_total", {"collection": collection}
            assert metrics.registry.get_sample_value(name, labels) == 1

    async def test_goes_on_behind_a_page_that_ends_with_a_corrupt_account(
        self, ledger: MemoryLedger
    ) -> None:
        names = [f"user-{number:03}" for number in range(PAGE_MIN + 1)]
        for name in names:
            await store(ledger, an_account(name))
        damage(ledger, "accounts", names[PAGE_MIN - 1], names[PAGE_MIN - 1])
        topic = Topic(ledger)
        under_test = a_sweep(ledger, topic)

        for _ in range(2):
            await under_test.step()

        assert [name for name, _ in topic.states] == [*names[: PAGE_MIN - 1], names[PAGE_MIN]]

    async def test_takes_the_same_page_again_after_an_error(self, ledger: MemoryLedger) -> None:
        await store(ledger, an_account("alice"))
        topic = Topic(ledger)
        under_test = a_sweep(ledger, topic)

        topic.failing = True
        with pytest.raises(ConnectionError):
            await under_test.step()
        topic.failing = False
        await under_test.step()

        assert topic.states == [("alice", 1)]

    async def test_says_how_long_a_whole_sweep_took(self, ledger: MemoryLedger) -> None:
        await store(ledger, an_account("alice"))
        metrics = Metrics()
        under_test = a_sweep(ledger, Topic(ledger), metrics)

        for _ in range(2):
            await under_test.step()

        took_s = metrics.registry.get_sample_value("accounts_state_sweep_seconds")
        assert took_s is not None
        assert 0 < took_s < 60


class TestPlan:
    @given(st.integers(0, 5_000_000), st.floats(600, 80_000))
    def test_ends_in_time(self, accounts: int, state_sweep_s: float) -> None:
        limit, pause_s = plan(accounts, state_sweep_s)

        pages = accounts // limit + 1
        assert PAGE_MIN <= limit <= PAGE_MAX
        if accounts / PAGE_MAX * sweep.ROUND_MIN_S < state_sweep_s / 2:
            assert pages * pause_s <= state_sweep_s * 1.01

    @pytest.mark.parametrize(
        ("accounts", "limit", "pause_s"),
        [
            (0, PAGE_MIN, 1800),
            (PAGE_MIN, PAGE_MIN, 1800),
            (18_000, PAGE_MIN, 1),
            (900_000, 500, 1),
            (9_000_000, 500, 0.1),
            (90_000_000, 500, 0.05),
        ],
    )
    def test_goes_as_slowly_as_it_may(self, accounts: int, limit: int, pause_s: float) -> None:
        assert plan(accounts, HOUR_S) == (limit, pytest.approx(pause_s))
