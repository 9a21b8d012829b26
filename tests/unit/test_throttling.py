"""How long one waits after failing to sign in, one row per boundary."""

from datetime import datetime, timedelta

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
HOUR = timedelta(hours=1)
HALVED = ThrottleRule(free=100, halved_every=HOUR)

rules = st.builds(
    ThrottleRule,
    free=st.integers(0, 200),
    failures_max=st.none() | st.integers(1, FAILURES_MAX),
    forgotten_after=st.just(10_000 * MONTH),
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


@pytest.mark.parametrize(("after", "failures"), [(MONTH, FAILURES_MAX), (MONTH + MILLISECOND, 1)])
def test_a_month_without_failure_and_a_user_who_is_not_locked_out_starts_anew(
    after: timedelta, failures: int
) -> None:
    count = Count(failures=FAILURES_MAX - 1, last_at=NOON)

    assert attempt(count, USER, NOON + after)[1].failures == failures


@pytest.mark.parametrize(
    ("after", "failures", "since"),
    [
        *[(-HOUR, 90, NOON), (HOUR - MILLISECOND, 90, NOON), (HOUR, 45, NOON + HOUR)],
        *[(2.5 * HOUR, 22, NOON + 2 * HOUR), (6 * HOUR, 1, NOON + 6 * HOUR)],
        *[(7 * HOUR, 0, NOON + 7 * HOUR), (100 * HOUR, 0, NOON + 100 * HOUR)],
    ],
)
def test_failures_are_halved_every_hour(after: timedelta, failures: int, since: datetime) -> None:
    count = Count(failures=90, last_at=NOON, since=NOON)

    counted, verdict = attempt(count, HALVED, NOON + after)

    assert verdict.failures == failures + 1
    assert counted.since == (since if failures else NOON + after)


def test_an_attempt_keeps_no_older_failure_alive() -> None:
    count, _ = attempt(Count(), HALVED, NOON)
    for minutes in range(1, 60):
        count = forgiven(attempt(count, HALVED, NOON + minutes * 60 * SECOND)[0])

    assert count.failures == 1
    assert attempt(count, HALVED, NOON + HOUR)[1].failures == 1


@pytest.mark.parametrize("failures", [1, 99, 100])
def test_the_record_counted_last_is_let_through_uncounted(failures: int) -> None:
    count = Count(failures=failures - 1, last_at=NOON)

    counted, first = attempt(count, USER, NOON, "record")
    again = attempt(counted, USER, NOON, "record")

    assert again == (counted, first)
    assert first.allowed
    assert first.locked_now is (failures == FAILURES_MAX)


def test_any_other_record_waits() -> None:
    counted, _ = attempt(Count(), USER, NOON, "record")

    for other in (None, "another", "recor"):
        after, verdict = attempt(counted, USER, NOON, other)
        assert (after, verdict.allowed, verdict.counted_for) == (counted, False, "record")


def test_a_record_counted_before_the_last_waits() -> None:
    counted, _ = attempt(Count(), USER, NOON, "first")
    counted, _ = attempt(counted, USER, NOON + SECOND, "second")

    assert not attempt(counted, USER, NOON + SECOND, "first")[1].allowed


def test_a_forgiven_record_is_counted_again() -> None:
    count = forgiven(attempt(Count(), USER, NOON, "record")[0])

    assert attempt(count, USER, NOON, "record")[0].failures == 1


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
