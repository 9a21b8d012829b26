"""How long one waits after failing to sign in, one row per boundary."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.identity.throttling import Allowance, Count, ThrottleRule, attempt, forgiven, wait
from tests.builders import NOON

DEVICE = ThrottleRule(free=0)
SECOND = timedelta(seconds=1)
MILLISECOND = timedelta(milliseconds=1)
LONGEST = timedelta(minutes=15)
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
SOURCE = ThrottleRule(free=100, one_back_every=MINUTE)
BUDGET_MAX = 100
BACK = DAY / BUDGET_MAX
BUDGET = ThrottleRule(free=BUDGET_MAX, failures_max=BUDGET_MAX, one_back_every=BACK)


def a_budget(failures: int, back_ms: int) -> ThrottleRule:
    back = back_ms * MILLISECOND
    return ThrottleRule(free=failures, failures_max=failures, one_back_every=back)


rules = st.builds(ThrottleRule, free=st.integers(0, 200))
bounded = st.builds(a_budget, st.integers(1, 20), st.integers(1, 10**7))
pauses = st.integers(0, 2 * 86_400_000) | st.sampled_from([0, 1, 999, 1000, 900_000])


@pytest.mark.parametrize(
    ("failures", "seconds"),
    [
        *[(1, 1), (2, 2), (3, 4), (4, 8), (10, 512)],
        *[(11, 900), (12, 900), (33, 900), (34, 900), (10**9, 900)],
    ],
)
def test_the_wait_doubles_from_1_s_to_15_min(failures: int, seconds: int) -> None:
    assert wait(failures, DEVICE) == seconds * SECOND


@pytest.mark.parametrize(
    ("failures", "free", "seconds"), [(101, 100, 1), (102, 100, 2), (110, 100, 512), (5, 4, 1)]
)
def test_the_first_wait_follows_the_free_failures(failures: int, free: int, seconds: int) -> None:
    assert wait(failures, ThrottleRule(free=free)) == seconds * SECOND


@pytest.mark.parametrize(
    ("failures", "free", "blocked"),
    [(98, 100, False), (99, 100, False), (100, 100, True), (0, 0, True), (0, 1, False)],
)
def test_only_beyond_the_free_failures_there_is_a_wait(
    failures: int, free: int, *, blocked: bool
) -> None:
    after, verdict = attempt(Count(failures=failures), ThrottleRule(free=free), NOON)

    assert verdict == Allowance(allowed=True, failures=failures + 1)
    assert after.blocked_until == (NOON + SECOND if blocked else None)


@pytest.mark.parametrize(
    ("at", "allowed"), [(-MILLISECOND, False), (timedelta(0), True), (MILLISECOND, True)]
)
def test_when_the_wait_is_over_the_next_is_allowed(at: timedelta, *, allowed: bool) -> None:
    until = NOON + 4 * SECOND
    count = Count(failures=3, blocked_until=until, last_at=NOON)

    after, verdict = attempt(count, DEVICE, until + at)

    assert verdict.allowed is allowed
    assert verdict.retry_at == (None if allowed else until)
    assert after.failures == (4 if allowed else 3)


def test_a_refused_attempt_changes_nothing() -> None:
    count = Count(failures=3, blocked_until=NOON + SECOND, last_at=NOON)

    assert attempt(count, DEVICE, NOON)[0] == count


@pytest.mark.parametrize(
    ("failures", "allowed", "used_up"),
    [(97, True, False), (98, True, False), (99, True, True), (100, False, False)],
)
def test_the_hundredth_failure_uses_the_budget_up(
    failures: int, *, allowed: bool, used_up: bool
) -> None:
    verdict = attempt(Count(failures=failures, last_at=NOON, since=NOON), BUDGET, NOON)[1]

    assert (verdict.allowed, verdict.used_up) == (allowed, used_up)
    assert verdict.failures == min(failures + 1, BUDGET_MAX)
    assert verdict.retry_at == (None if allowed else NOON + BACK)


@pytest.mark.parametrize(
    ("at", "allowed"), [(BACK - MILLISECOND, False), (BACK, True), (BACK + MILLISECOND, True)]
)
def test_used_up_it_takes_one_more_when_one_is_forgotten(at: timedelta, *, allowed: bool) -> None:
    count = Count(failures=BUDGET_MAX, last_at=NOON, since=NOON)

    assert attempt(count, BUDGET, NOON + at)[1].allowed is allowed


@pytest.mark.parametrize("failures", [100, 101, 150])
def test_who_had_more_than_there_may_be_waits_until_they_are_fewer(failures: int) -> None:
    count = Count(failures=failures, last_at=NOON, since=NOON)

    verdict = attempt(count, BUDGET, NOON)[1]

    retry_at = NOON + (failures - BUDGET_MAX + 1) * BACK
    assert verdict.retry_at == retry_at
    assert attempt(count, BUDGET, retry_at)[1].allowed


def test_nothing_refuses_for_ever() -> None:
    with pytest.raises(AssertionError, match="for ever"):
        ThrottleRule(free=0, failures_max=1)


@pytest.mark.parametrize(("after", "failures"), [(DAY, 100), (DAY + MILLISECOND, 1)])
def test_a_day_without_an_attempt_and_counting_starts_anew(after: timedelta, failures: int) -> None:
    count = Count(failures=99, last_at=NOON)

    assert attempt(count, DEVICE, NOON + after)[1].failures == failures


@pytest.mark.parametrize(
    ("after", "failures", "since"),
    [
        *[(-MINUTE, 3, NOON), (MINUTE - MILLISECOND, 3, NOON), (MINUTE, 2, NOON + MINUTE)],
        *[(2.5 * MINUTE, 1, NOON + 2 * MINUTE), (3 * MINUTE, 0, NOON + 3 * MINUTE)],
        (900 * MINUTE, 0, NOON + 900 * MINUTE),
    ],
)
def test_of_a_source_one_failure_is_forgotten_every_minute(
    after: timedelta, failures: int, since: datetime
) -> None:
    count = Count(failures=3, last_at=NOON, since=NOON)

    counted, verdict = attempt(count, SOURCE, NOON + after)

    assert verdict.failures == failures + 1
    assert counted.since == (since if failures else NOON + after)


def test_an_attempt_keeps_no_older_failure_alive() -> None:
    count, _ = attempt(Count(), SOURCE, NOON)
    for seconds in range(1, 60):
        count = forgiven(attempt(count, SOURCE, NOON + seconds * SECOND)[0])

    assert count.failures == 1
    assert attempt(count, SOURCE, NOON + MINUTE)[1].failures == 1


@pytest.mark.parametrize("failures", [1, 99, 100])
def test_the_record_counted_last_is_let_through_uncounted(failures: int) -> None:
    count = Count(failures=failures - 1, last_at=NOON, since=NOON)

    counted, first = attempt(count, BUDGET, NOON, "record")
    again = attempt(counted, BUDGET, NOON, "record")

    assert again == (counted, first)
    assert first.allowed
    assert first.used_up is (failures == BUDGET_MAX)


def test_any_other_record_waits() -> None:
    counted, _ = attempt(Count(), DEVICE, NOON, "record")

    for other in (None, "another", "recor"):
        after, verdict = attempt(counted, DEVICE, NOON, other)
        assert (after, verdict.allowed, verdict.counted_for) == (counted, False, "record")


def test_a_record_counted_before_the_last_waits() -> None:
    counted, _ = attempt(Count(), DEVICE, NOON, "first")
    counted, _ = attempt(counted, DEVICE, NOON + SECOND, "second")

    assert not attempt(counted, DEVICE, NOON + SECOND, "first")[1].allowed


def test_a_forgiven_record_is_counted_again() -> None:
    count = forgiven(attempt(Count(), DEVICE, NOON, "record")[0])

    assert attempt(count, DEVICE, NOON, "record")[0].failures == 1


@pytest.mark.parametrize(("failures", "after"), [(0, 0), (1, 0), (2, 1), (100, 99), (101, 100)])
def test_forgiven_it_is_one_less_and_waits_for_nothing(failures: int, after: int) -> None:
    count = Count(failures=failures, blocked_until=NOON + LONGEST, last_at=NOON)

    assert forgiven(count) == Count(failures=after, last_at=NOON)


@given(rule=rules, failures=st.integers(1, 10**6), more=st.integers(0, 1000))
def test_a_wait_never_shrinks_and_is_never_above_15_min(
    rule: ThrottleRule, failures: int, more: int
) -> None:
    assert timedelta(0) < wait(failures, rule) <= wait(failures + more, rule) <= LONGEST


@given(rule=bounded, steps=st.lists(pauses, max_size=200))
def test_in_no_time_more_fail_than_there_are_and_are_forgotten(
    rule: ThrottleRule, steps: list[int]
) -> None:
    assert rule.failures_max is not None
    assert rule.one_back_every is not None
    count, now, tried = Count(), NOON, list[datetime]()

    for pause_ms in steps:
        now += pause_ms * MILLISECOND
        count, verdict = attempt(count, rule, now)
        tried += [now] * verdict.allowed

    for at, first in enumerate(tried):
        for number, last in enumerate(tried[at:], start=1):
            assert number <= rule.failures_max + 1 + (last - first) // rule.one_back_every


@given(rule=rules | bounded, steps=st.lists(pauses, max_size=50))
def test_who_waits_as_told_is_allowed_and_not_before(rule: ThrottleRule, steps: list[int]) -> None:
    count, now = Count(), NOON

    for pause_ms in steps:
        now += pause_ms * MILLISECOND
        count, verdict = attempt(count, rule, now)
        if not verdict.allowed:
            assert verdict.retry_at is not None
            assert not attempt(count, rule, verdict.retry_at - MILLISECOND / 1000)[1].allowed
            now = verdict.retry_at
            count, verdict = attempt(count, rule, now)
            assert verdict.allowed
