"""How long one waits after failing to sign in, one row per boundary."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.throttling import (
    FAILURES_MAX,
    Attempt,
    Count,
    ThrottleRule,
    attempt,
    forgiven,
    forgotten,
    wait,
)
from tests.builders import NOON

USER = ThrottleRule(free=0, failures_max=FAILURES_MAX)
SOURCE = ThrottleRule(free=100)
SECOND = timedelta(seconds=1)
MILLISECOND = timedelta(milliseconds=1)
LONGEST = timedelta(minutes=15)
MONTH = timedelta(days=30)

rules = st.builds(
    ThrottleRule,
    free=st.integers(0, 200),
    failures_max=st.none() | st.integers(1, FAILURES_MAX),
)
pauses = st.integers(0, 40 * 86_400_000) | st.sampled_from([0, 1, 999, 1000, 900_000])


@pytest.mark.parametrize(
    ("failures", "seconds"),
    [
        *[(1, 1), (2, 2), (3, 4), (4, 8), (10, 512)],
        *[(11, 900), (12, 900), (33, 900), (34, 900), (10**9, 900)],
    ],
)
def test_the_wait_doubles_from_1_s_to_15_min(failures: int, seconds: int) -> None:
    assert wait(failures, USER) == seconds * SECOND


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

    assert verdict == Attempt(allowed=True, failures=failures + 1)
    assert after.blocked_until == (NOON + SECOND if blocked else None)


@pytest.mark.parametrize(
    ("at", "allowed"), [(-MILLISECOND, False), (timedelta(0), True), (MILLISECOND, True)]
)
def test_when_the_wait_is_over_the_next_is_allowed(at: timedelta, *, allowed: bool) -> None:
    until = NOON + 4 * SECOND
    count = Count(failures=3, blocked_until=until, last_at=NOON)

    after, verdict = attempt(count, USER, until + at)

    assert verdict.allowed is allowed
    assert verdict.retry_at == (None if allowed else until)
    assert after.failures == (4 if allowed else 3)


def test_a_refused_attempt_changes_nothing() -> None:
    count = Count(failures=3, blocked_until=NOON + SECOND, last_at=NOON)

    assert attempt(count, USER, NOON)[0] == count


@pytest.mark.parametrize(
    ("failures", "allowed", "locked_now"),
    [(97, True, False), (98, True, False), (99, True, True), (100, False, False)],
)
def test_of_100_failures_in_a_row_the_last_one_locks(
    failures: int, *, allowed: bool, locked_now: bool
) -> None:
    """NIST SP 800-63B §5.2.2."""
    verdict = attempt(Count(failures=failures, last_at=NOON), USER, NOON + LONGEST)[1]

    assert (verdict.allowed, verdict.locked_now) == (allowed, locked_now)
    assert verdict.failures == min(failures + 1, FAILURES_MAX)


def test_a_lock_out_says_no_time_and_never_ends() -> None:
    locked = Count(failures=FAILURES_MAX, blocked_until=NOON, last_at=NOON)

    verdict = attempt(locked, USER, NOON + 10_000 * MONTH)[1]

    assert verdict == Attempt(allowed=False, failures=FAILURES_MAX)


@pytest.mark.parametrize(
    ("after", "failures"),
    [(MONTH - MILLISECOND, 151), (MONTH, 151), (MONTH + MILLISECOND, 1)],
)
def test_a_month_without_failure_and_a_source_starts_anew(after: timedelta, failures: int) -> None:
    count = Count(failures=150, blocked_until=NOON + LONGEST, last_at=NOON)

    assert forgotten(count, SOURCE) == NOON + MONTH
    assert attempt(count, SOURCE, NOON + after)[1].failures == failures


@pytest.mark.parametrize(("failures", "after"), [(0, 0), (1, 0), (2, 1), (100, 99), (101, 100)])
def test_forgiven_it_is_one_less_and_waits_for_nothing(failures: int, after: int) -> None:
    count = Count(failures=failures, blocked_until=NOON + LONGEST, last_at=NOON)

    assert forgiven(count) == Count(failures=after, last_at=NOON)


@given(rule=rules, failures=st.integers(1, 10**6), more=st.integers(0, 1000))
def test_a_wait_never_shrinks_and_is_never_above_15_min(
    rule: ThrottleRule, failures: int, more: int
) -> None:
    assert timedelta(0) < wait(failures, rule) <= wait(failures + more, rule) <= LONGEST


@given(rule=rules, steps=st.lists(pauses, max_size=300))
def test_never_more_than_the_limit_are_allowed_in_a_row(
    rule: ThrottleRule, steps: list[int]
) -> None:
    count, now, allowed = Count(), NOON, 0

    for pause_ms in steps:
        now += pause_ms * MILLISECOND
        count, verdict = attempt(count, rule, now)
        allowed += verdict.allowed

    assert rule.failures_max is None or allowed <= rule.failures_max


@given(attempts=st.integers(1, FAILURES_MAX))
def test_who_waits_as_told_is_allowed_until_the_limit(attempts: int) -> None:
    count, now = Count(), NOON

    for number in range(1, attempts + 1):
        count, verdict = attempt(count, USER, now)
        assert verdict == Attempt(allowed=True, failures=number, locked_now=number == FAILURES_MAX)
        now = count.blocked_until or now
