"""Refusals that Redis remembers, so that a flood on one subject does not queue for its count."""

from datetime import UTC, datetime, timedelta
from typing import Any, cast

from redis.asyncio import Redis

from handlers.throttling import Attempt, ThrottleRule
from storage.identity_ports import Throttles
from storage.redis_breaker import RedisBreaker

NOTED_MAX = timedelta(seconds=10)
"""How long a refusal is repeated at most without asking MongoDB. Redis may miss a success (it was
away, or the success came while this was noted): then the user waits no longer than this."""

_MILLISECOND = timedelta(milliseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class FrontedThrottles:
    """Every attempt that is allowed is counted by the *durable* throttles; Redis only refuses.

    It saves the count of a refused attempt, on a document that all attempts on one subject change.
    What else a request costs in MongoDB, reading whether it was answered and storing its answer, it
    does not save.
    Flushed, stopped or slow, it costs questions to MongoDB; it never lets an attempt through (P8).
    """

    def __init__(
        self, durable: Throttles, redis: Redis, breaker: RedisBreaker, *, prefix: str = ""
    ) -> None:
        """Keep *prefix* in every key, so that several installations can share one Redis."""
        self._prefix = prefix
        self._durable = durable
        self._redis = redis
        self._breaker = breaker

    async def count(
        self, subject: str, *, rule: ThrottleRule, now: datetime, record: str | None = None
    ) -> Attempt:
        """Count one attempt on *subject* durably, unless it has to wait."""
        known = await self._noted(subject, now)
        if known is not None and (record is None or known.counted_for != record):
            return known
        attempt = await self._durable.count(subject, rule=rule, now=now, record=record)
        if not attempt.allowed:
            await self._note(subject, attempt, now)
        return attempt

    async def forgive(self, subject: str, *, all_of_them: bool) -> None:
        """Take one attempt and the wait off the count, or forget them all."""
        await self._durable.forgive(subject, all_of_them=all_of_them)
        await self._breaker.ask(lambda: self._redis.delete(self._key(subject)))

    async def _noted(self, subject: str, now: datetime) -> Attempt | None:
        stored = await self._breaker.ask(lambda: cast("Any", self._redis.get(self._key(subject))))
        if not isinstance(stored, bytes):
            return None
        failures, space, rest = stored.partition(b" ")
        if not space:
            return None  # not ours
        retry_ms, _, record = rest.partition(b" ")
        try:
            retry_at = _EPOCH + int(retry_ms) * _MILLISECOND if retry_ms else None
            known = Attempt(
                allowed=False,
                failures=int(failures),
                retry_at=retry_at,
                counted_for=record.decode() or None,
            )
        except (ValueError, OverflowError):
            return None  # not ours
        return None if known.retry_at is not None and known.retry_at <= now else known

    async def _note(self, subject: str, refused: Attempt, now: datetime) -> None:
        kept, retry_ms = NOTED_MAX, ""
        if refused.retry_at is not None:
            kept = min(kept, refused.retry_at - now)
            retry_ms = str((refused.retry_at - _EPOCH) // _MILLISECOND)
        if kept < _MILLISECOND:
            return
        value = f"{refused.failures} {retry_ms} {refused.counted_for or ''}"
        await self._breaker.ask(
            lambda: cast("Any", self._redis.set(self._key(subject), value, px=kept))
        )

    def _key(self, subject: str) -> str:
        return f"throttle:{self._prefix}{subject}"
