"""How long one has to wait after failing to sign in."""

from datetime import datetime, timedelta

import msgspec

FAILURES_MAX = 100
"""Consecutive failures of one account after which its password is no longer taken
(NIST SP 800-63B §5.2.2: no more than 100)."""


DOUBLINGS_MAX = 32
"""Beyond it no wait of ours is shorter, and a timedelta would overflow."""


class ThrottleRule(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How patient we are with one kind of subject: a user, or a source."""

    free: int
    """Failures in a row before the first wait."""
    first: timedelta = timedelta(seconds=1)
    """The first wait; each further failure doubles it."""
    longest: timedelta = timedelta(minutes=15)
    failures_max: int | None = None
    """Failures in a row after which nothing helps but an operator; None is no such limit.
    Where there is one nothing is forgotten: whoever guesses has time."""
    forgotten_after: timedelta = timedelta(days=30)
    """Without a failure for so long, counting starts anew where there is no `failures_max`."""

    def __post_init__(self) -> None:
        """Check the facts every other function relies on."""
        assert self.free >= 0
        assert self.failures_max is None or self.failures_max >= 1
        assert timedelta(0) < self.first <= self.longest <= self.forgotten_after


class Attempt(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Whether an attempt may be made now."""

    allowed: bool
    failures: int
    """In a row, this attempt included where it is allowed."""
    retry_at: datetime | None = None
    """When to try again; None where nothing but an operator helps, or where it is allowed."""
    locked_now: bool = False
    """This attempt, if it fails, is the last one: worth an audit event of its own."""


class Count(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What is stored of one subject."""

    failures: int = 0
    blocked_until: datetime | None = None
    last_at: datetime | None = None
    """When an attempt was allowed last."""


def attempt(count: Count, rule: ThrottleRule, now: datetime) -> tuple[Count, Attempt]:
    """Return the count after one more attempt (unchanged where it has to wait), and the verdict."""
    forgotten_at = forgotten(count, rule)
    if forgotten_at is not None and now > forgotten_at:
        count = Count()
    if rule.failures_max is not None and count.failures >= rule.failures_max:
        return count, Attempt(allowed=False, failures=count.failures)
    if count.blocked_until is not None and now < count.blocked_until:
        return count, Attempt(allowed=False, failures=count.failures, retry_at=count.blocked_until)
    failures = count.failures + 1
    blocked_until = None if failures <= rule.free else now + wait(failures, rule)
    after = Count(failures=failures, blocked_until=blocked_until, last_at=now)
    locked = rule.failures_max is not None and failures >= rule.failures_max
    return after, Attempt(allowed=True, failures=failures, locked_now=locked)


def wait(failures: int, rule: ThrottleRule) -> timedelta:
    """Return how long to wait after so many failures in a row."""
    doublings = min(max(failures - rule.free - 1, 0), DOUBLINGS_MAX)
    return min(rule.first * 2**doublings, rule.longest)


def forgiven(count: Count) -> Count:
    """Return the count without its last attempt, which succeeded, and without its wait."""
    return Count(failures=max(count.failures - 1, 0), last_at=count.last_at)


def forgotten(count: Count, rule: ThrottleRule) -> datetime | None:
    """Return after which moment the count is as good as none; None is never."""
    if count.last_at is None or rule.failures_max is not None:
        return None
    return count.last_at + rule.forgotten_after
