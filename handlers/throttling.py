"""How long one has to wait after failing to sign in."""

from datetime import datetime, timedelta

import msgspec
from msgspec.structs import replace

FAILURES_MAX = 100
"""Consecutive failures of one account after which its password is no longer taken
(NIST SP 800-63B §5.2.2: no more than 100)."""


DOUBLINGS_MAX = 32
"""Beyond it no wait of ours is shorter, and a timedelta would overflow; halved as often, nothing is
left of any count."""


class ThrottleRule(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How patient we are with one kind of subject: a user, or a source."""

    free: int
    """Failures in a row before the first wait."""
    first: timedelta = timedelta(seconds=1)
    """The first wait; each further failure doubles it."""
    longest: timedelta = timedelta(minutes=15)
    failures_max: int | None = None
    """Failures in a row after which nothing helps but an operator, ever; None is no such limit."""
    forgotten_after: timedelta = timedelta(days=30)
    """Without an attempt for so long, counting starts anew, unless `failures_max` is reached."""
    halved_every: timedelta | None = None
    """How often half of the failures are forgotten, whatever was tried since; None is never."""

    def __post_init__(self) -> None:
        """Check the facts every other function relies on."""
        assert self.free >= 0
        assert self.failures_max is None or self.failures_max >= 1
        assert timedelta(0) < self.first <= self.longest <= self.forgotten_after
        assert self.halved_every is None or self.failures_max is None, "a lock-out never ends"
        assert self.halved_every is None or self.halved_every > timedelta(0)


class Attempt(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Whether an attempt may be made now."""

    allowed: bool
    failures: int
    """In a row, this attempt included where it is allowed."""
    retry_at: datetime | None = None
    """When to try again; None where nothing but an operator helps, or where it is allowed."""
    locked_now: bool = False
    """This attempt, if it fails, is the last one: worth an audit event of its own."""
    counted_for: str | None = None
    """Where it is not allowed: the record that was counted last, which is let through."""


class Count(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What is stored of one subject."""

    failures: int = 0
    blocked_until: datetime | None = None
    last_at: datetime | None = None
    """When an attempt was allowed last."""
    since: datetime | None = None
    """Where failures are halved: when they were last, or the first of them was counted. Attempts do
    not move it, so neither success nor failure keeps the others' failures alive."""
    counted_for: str | None = None
    """The record whose attempt was counted last, unless that was forgiven."""


def attempt(
    count: Count, rule: ThrottleRule, now: datetime, record: str | None = None
) -> tuple[Count, Attempt]:
    """Return the count after one more attempt (unchanged where it has to wait), and the verdict.

    *record* names the attempt for ever: counted last, it is let through without being counted
    again, because whoever counted it may have failed before it could answer.
    """
    count = _aged(count, rule, now)
    locked = _is_locked(count.failures, rule)
    if record is not None and record == count.counted_for:
        return count, Attempt(allowed=True, failures=count.failures, locked_now=locked)
    waits = count.blocked_until is not None and now < count.blocked_until
    if locked or waits:
        return count, Attempt(
            allowed=False,
            failures=count.failures,
            retry_at=None if locked else count.blocked_until,
            counted_for=count.counted_for,
        )
    failures = count.failures + 1
    after = Count(
        failures=failures,
        blocked_until=None if failures <= rule.free else now + wait(failures, rule),
        last_at=now,
        since=_since(count, rule, now),
        counted_for=record,
    )
    locked_now = _is_locked(failures, rule)
    return after, Attempt(allowed=True, failures=failures, locked_now=locked_now)


def wait(failures: int, rule: ThrottleRule) -> timedelta:
    """Return how long to wait after so many failures in a row."""
    doublings = min(max(failures - rule.free - 1, 0), DOUBLINGS_MAX)
    return min(rule.first * 2**doublings, rule.longest)


def forgiven(count: Count) -> Count:
    """Return the count without its last attempt, which was no failure, and without its wait."""
    return replace(count, failures=max(count.failures - 1, 0), blocked_until=None, counted_for=None)


def forgotten(count: Count, rule: ThrottleRule) -> datetime | None:
    """Return after which moment the count is as good as none; None is never."""
    if count.last_at is None or _is_locked(count.failures, rule):
        return None
    return count.last_at + rule.forgotten_after


def _is_locked(failures: int, rule: ThrottleRule) -> bool:
    return rule.failures_max is not None and failures >= rule.failures_max


def _aged(count: Count, rule: ThrottleRule, now: datetime) -> Count:
    """Return what is left of *count* by *now*."""
    forgotten_at = forgotten(count, rule)
    if forgotten_at is not None and now > forgotten_at:
        return Count()
    since = count.since or count.last_at
    if rule.halved_every is None or since is None:
        return count
    halvings = max((now - since) // rule.halved_every, 0)
    left = count.failures >> min(halvings, DOUBLINGS_MAX)
    return replace(count, failures=left, since=since + halvings * rule.halved_every)


def _since(aged: Count, rule: ThrottleRule, now: datetime) -> datetime | None:
    if rule.halved_every is None:
        return None
    return aged.since if aged.failures else now
