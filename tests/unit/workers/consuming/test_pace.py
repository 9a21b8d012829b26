"""How long a steady stream is let gather, and that an idle worker never waits."""

import pytest
from aiokafka import ConsumerRecord, TopicPartition

from tests.unit.raw import a_raw
from workers.consuming import pace as pace_module
from workers.consuming.pace import REST_MAX_S, PollPace, joined, size

HERE, THERE = TopicPartition("accounts.commands.deposit", 0), TopicPartition("other", 1)


def records(*offsets: int) -> list[ConsumerRecord[bytes | None, bytes | None]]:
    return [a_raw(offset=offset) for offset in offsets]


class TestPace:
    @pytest.mark.parametrize(
        ("count", "rest_s"),
        [(0, 0), (1, 0.0005), (10, 0.005), (40, REST_MAX_S), (999, REST_MAX_S), (1000, 0)],
    )
    def test_lets_a_steady_stream_gather(self, count: int, rest_s: float) -> None:
        pace = PollPace()

        pace.took({HERE: records(*range(count))})

        assert pace.rest_s() == rest_s

    def test_never_waits_before_anything_came(self) -> None:
        assert PollPace().rest_s() == 0

    @pytest.mark.parametrize(("most", "rest_s"), [(51, REST_MAX_S), (50, 0), (None, REST_MAX_S)])
    def test_never_rests_while_polls_come_full(self, most: int | None, rest_s: float) -> None:
        pace = PollPace()

        pace.took({HERE: records(*range(50))}, most)

        assert pace.rest_s() == rest_s

    def test_forgets_a_stream_that_ended(self) -> None:
        pace = PollPace()
        pace.took({HERE: records(*range(50))})

        pace.took({})

        assert pace.rest_s() == 0


class TestSteadiness:
    @pytest.mark.parametrize(("count", "steady"), [(0, False), (9, False), (10, True), (999, True)])
    def test_begins_where_a_fetch_behind_the_rest_is_worth_its_wait(
        self, count: int, *, steady: bool
    ) -> None:
        pace = PollPace()

        pace.took({HERE: records(*range(count))})

        assert pace.steady is steady


class TestFetchWait:
    def test_is_long_only_when_nothing_came_for_a_while(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        now_s = 100.0
        monkeypatch.setattr(pace_module, "monotonic_s", lambda: now_s)
        pace = PollPace()

        waits = list[int]()
        for at_s, came in [(0.5, True), (1.4, False), (1.6, False), (9, False), (9.1, True)]:
            now_s = 100.0 + at_s
            waits.append(pace.fetch_wait_ms({HERE: records(1)} if came else {}))

        quiet, busy = pace_module.FETCH_WAIT_QUIET_MS, pace_module.FETCH_WAIT_MS
        assert waits == [busy, busy, quiet, quiet, busy]


class TestTwoPolls:
    def test_are_one_in_the_order_of_each_partition(self) -> None:
        both = joined({HERE: records(1, 2)}, {HERE: records(3), THERE: records(7)})

        assert {tp: [each.offset for each in batch] for tp, batch in both.items()} == {
            HERE: [1, 2, 3],
            THERE: [7],
        }
        assert size(both) == 4
