"""States are said once more when a late writer must have given up, first due first."""

import pytest

from workers.ledger import republish_queue as states_again
from workers.ledger.republish_queue import RepublishQueue


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(states_again, "monotonic_s", clock)
    return clock


class TestStatesAgain:
    @pytest.mark.parametrize(("later_s", "due"), [(29.9, False), (30.0, True), (30.1, True)])
    def test_are_due_after_the_delay(self, clock: Clock, later_s: float, *, due: bool) -> None:
        again = RepublishQueue(30_000)
        again.schedule(["alice"])

        clock.now_s += later_s

        assert again.due() is due
        assert list(again.take(9)) == (["alice"] if due else [])
        assert not again.due()

    def test_are_not_put_off_by_being_named_again(self, clock: Clock) -> None:
        again = RepublishQueue(30_000)
        again.schedule(["alice"])
        clock.now_s += 20
        again.schedule(["alice", "bobby"])

        clock.now_s += 10

        assert list(again.take(9)) == ["alice"]

    def test_are_due_once_more_where_they_were_named_while_they_waited(self, clock: Clock) -> None:
        again = RepublishQueue(30_000)
        again.schedule(["alice"])
        clock.now_s += 15
        again.schedule(["alice"])

        clock.now_s += 15
        assert again.take(9) == ["alice"]
        assert len(again) == 1
        assert not again.due()

        clock.now_s += 15
        assert again.take(9) == ["alice"]
        assert len(again) == 0

    def test_are_taken_a_few_at_a_time(self, clock: Clock) -> None:
        again = RepublishQueue(0)
        again.schedule(["a", "b", "c"])
        clock.now_s += 1

        taken = [list(again.take(2)), list(again.take(2)), list(again.take(2))]

        assert taken == [["a", "b"], ["c"], []]

    def test_are_bounded(self, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(states_again, "ACCOUNTS_MAX", 2)
        again = RepublishQueue(0)

        again.schedule(["a", "b", "c"])
        clock.now_s += 1

        assert list(again.take(9)) == ["a", "b"]
