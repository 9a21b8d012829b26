"""How long records are let gather, and that a single one never waits for others."""

from collections.abc import Callable

import pytest
from aiokafka import ConsumerRecord, TopicPartition

from tests.unit.raw import a_raw
from workers.consuming import pace as pace_module
from workers.consuming.pace import (
    FETCH_WAIT_MS,
    FETCH_WAIT_QUIET_MS,
    GATHERED_BYTES,
    RECORDS_ENOUGH,
    RECORDS_STEADY,
    WAIT_MAX_S,
    Fetch,
    Pace,
)

HERE, THERE = TopicPartition("accounts.commands.deposit", 0), TopicPartition("other", 1)

AT_ONCE = Fetch(1, FETCH_WAIT_MS)

Batch = Callable[..., Fetch]


def records(count: int) -> dict[TopicPartition, list[ConsumerRecord[bytes | None, bytes | None]]]:
    some = [a_raw(offset=offset) for offset in range(count)]
    return {HERE: some[: count // 2], THERE: some[count // 2 :]}


@pytest.fixture
def batch(monkeypatch: pytest.MonkeyPatch) -> Batch:
    """Batches of one worker, one right after the other."""
    now_s = 100.0
    monkeypatch.setattr(pace_module, "monotonic_s", lambda: now_s)
    pace = Pace()

    def took(
        count: int, *, busy_s: float = 0.0, most: int | None = None, after_s: float = 0.0
    ) -> Fetch:
        nonlocal now_s
        pace.polls()
        now_s += after_s
        fetch = pace.took(records(count), most)
        now_s += busy_s
        return fetch

    return took


def steady(batch: Batch, count: int, busy_s: float) -> Fetch:
    """Return what is waited for once many a batch was like this one."""
    for _ in range(20):
        batch(count, busy_s=busy_s)
    return batch(count, busy_s=busy_s)


class TestPace:
    @pytest.mark.parametrize("count", [1, RECORDS_STEADY - 1, RECORDS_ENOUGH])
    def test_lets_neither_a_few_nor_a_backlog_wait(self, batch: Batch, count: int) -> None:
        assert steady(batch, count, 0.5) == AT_ONCE

    def test_lets_nothing_wait_before_it_knows_what_a_batch_takes(self, batch: Batch) -> None:
        assert batch(100).wait_ms <= 1

    @pytest.mark.parametrize(
        ("count", "wait_ms"), [(10, 5), (20, 10), (40, 20), (80, 40), (500, 40)]
    )
    def test_waits_longer_the_more_come(self, batch: Batch, count: int, wait_ms: int) -> None:
        assert steady(batch, count, 0.010) == Fetch(GATHERED_BYTES, wait_ms)

    def test_waits_longer_the_longer_a_batch_takes(self, batch: Batch) -> None:
        assert steady(batch, 40, 0.005).wait_ms == 10
        assert steady(batch, 40, 0.020).wait_ms == 40

    def test_never_waits_longer_than_that(self, batch: Batch) -> None:
        assert steady(batch, 500, 3.0).wait_ms == WAIT_MAX_S * 1000

    @pytest.mark.parametrize(("most", "waits"), [(51, True), (50, False), (None, True)])
    def test_never_waits_while_polls_come_full(
        self, batch: Batch, most: int | None, *, waits: bool
    ) -> None:
        for _ in range(20):
            batch(50, busy_s=0.01, most=most)

        assert (batch(50, most=most) != AT_ONCE) is waits

    def test_takes_no_idle_time_for_work(self, batch: Batch) -> None:
        steady(batch, 40, 0.010)
        for _ in range(20):
            batch(0, after_s=0.5)

        assert batch(40).wait_ms == 20

    def test_is_long_only_when_nothing_came_for_a_while(self, batch: Batch) -> None:
        """An idle worker asks seldom."""
        batch(1)

        waits = [batch(0, after_s=after_s).wait_ms for after_s in (0.5, 0.4, 0.2, 7)]

        assert waits == [FETCH_WAIT_MS, FETCH_WAIT_MS, FETCH_WAIT_QUIET_MS, FETCH_WAIT_QUIET_MS]
        assert batch(1) == AT_ONCE
