"""How long one has to wait after failing to sign in. Nothing here waits for ever."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import msgspec
from msgspec.structs import replace

DOUBLINGS_MAX = 32
"""Beyond it no wait of ours is shorter, and a timedelta would overflow."""


class ThrottleRule(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How patient we are with one kind of subject: a device, a source, or a user."""

    free: int
    """Failures in a row before the first wait."""
    first: timedelta = timedelta(seconds=1)
    """The first wait; each further failure doubles it."""
    longest: timedelta = timedelta(minutes=15)
    forgotten_after: timedelta = timedelta(days=1)
    """Without an attempt for so long, counting starts anew."""
    one_back_every: timedelta | None = None
    """How often one failure is forgotten, whatever was tried since; None is never."""
    failures_max: int | None = None
    """Failures with which nothing is tried before one of them is forgotten; None is no such limit."""

    def __post_init__(self) -> None:
        """Check the facts every other function relies on."""
        assert self.free >= 0
        assert timedelta(0) < self.first <= self.longest <= self.forgotten_after
        assert self.one_back_every is None or self.one_back_every > timedelta(0)
        assert self.failures_max is None or self.failures_max >= 1
        assert self.failures_max is None or self.one_back_every, "nothing is refused for ever"


class Allowance(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Whether an attempt may be made now."""

    allowed: bool
    failures: int
    """This attempt included where it is allowed."""
    retry_at: datetime | None = None
    """Where it is not allowed: from when on it is, if nobody else fails until then."""
    used_up: bool = False
    """If this attempt fails, it is the last one before failures are forgotten."""
    counted_for: str | None = None
    """Where it is not allowed: the record that was counted last, which is let through."""


class Count(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What is stored of one subject."""

    failures: int = 0
    blocked_until: datetime | None = None
    last_at: datetime | None = None
    """When an attempt was allowed last."""
    since: datetime | None = None
    """Where failures are forgotten: when one was last, or the first of them was counted. Attempts do
    not move it, so neither success nor failure keeps the others' failures alive."""
    counted_for: str | None = None
    """The record whose attempt was counted last, unless that was forgiven."""


def attempt(
    count: Count, rule: ThrottleRule, now: datetime, record: str | None = None
) -> tuple[Count, Allowance]:
    """Return the count after one more attempt, the very same where it is not counted, and the verdict.

    *record* names the attempt for ever: counted last, it is let through without being counted
    again, because whoever counted it may have failed before it could answer.
    """
    aged = _aged(count, rule, now)
    if record is not None and record == aged.counted_for:
        used_up = _is_used_up(aged.failures, rule)
        return count, Allowance(allowed=True, failures=aged.failures, used_up=used_up)
    retry_at = _retry_at(aged, rule)
    if retry_at is not None and now < retry_at:
        return count, Allowance(
            allowed=False,
            failures=aged.failures,
            retry_at=retry_at,
            counted_for=aged.counted_for,
        )
    failures = aged.failures + 1
    after = Count(
        failures=failures,
        blocked_until=None if failures <= rule.free else now + wait(failures, rule),
        last_at=now,
        since=_since(aged, rule, now),
        counted_for=record,
    )
    used_up = _is_used_up(failures, rule)
    return after, Allowance(allowed=True, failures=failures, used_up=used_up)


def verdicts(
    counts: Mapping[str, Count],
    rules: Mapping[str, ThrottleRule],
    now: datetime,
    record: str | None = None,
) -> Mapping[str, Allowance]:
    """Return what `attempt` says of each subject by its rule; nobody counts anything."""
    return {
        subject: attempt(counts.get(subject, Count()), rule, now, record)[1]
        for subject, rule in rules.items()
    }


def wait(failures: int, rule: ThrottleRule) -> timedelta:
    """Return how long to wait after so many failures in a row."""
    doublings = min(max(failures - rule.free - 1, 0), DOUBLINGS_MAX)
    return min(rule.first * 2**doublings, rule.longest)


def forgiven(count: Count) -> Count:
    """Return the count without its last attempt, which was no failure, and without its wait."""
    return replace(count, failures=max(count.failures - 1, 0), blocked_until=None, counted_for=None)


def _is_used_up(failures: int, rule: ThrottleRule) -> bool:
    return rule.failures_max is not None and failures >= rule.failures_max


def _retry_at(aged: Count, rule: ThrottleRule) -> datetime | None:
    """Return from when on an attempt is allowed; None is at once."""
    until = aged.blocked_until
    if rule.failures_max is None or not _is_used_up(aged.failures, rule):
        return until
    assert rule.one_back_every is not None
    assert aged.since is not None, "a count that ages has it"
    back = aged.since + (aged.failures - rule.failures_max + 1) * rule.one_back_every
    return back if until is None else max(back, until)


def _aged(count: Count, rule: ThrottleRule, now: datetime) -> Count:
    """Return what is left of *count* by *now*."""
    if count.last_at is not None and now > count.last_at + rule.forgotten_after:
        return Count()
    if rule.one_back_every is None:
        return count
    since = count.since or count.last_at or now
    passed = max((now - since) // rule.one_back_every, 0)
    left = max(count.failures - passed, 0)
    return replace(count, failures=left, since=since + passed * rule.one_back_every)


def _since(aged: Count, rule: ThrottleRule, now: datetime) -> datetime | None:
    if rule.one_back_every is None:
        return None
    return aged.since if aged.failures else now
