"""When to leave Redis alone, so that a slow or missing one costs next to nothing."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from redis.exceptions import RedisError

Answer = TypeVar("Answer")

TIMEOUT_S = 0.1
"""Longest wait for what Redis only makes faster: MongoDB answers in less."""

REST_S = 5.0
"""How long nobody asks after a failure: then a silent Redis costs 2 % of one caller's time."""

AT_ONCE_MAX = 16
"""Questions asked at once: enough to keep one process busy, and far fewer than the 100 connections
beyond which the driver fails at once, as if Redis were away."""


class RedisBreaker:
    """Asks Redis while it answers in time; after a failure only one caller tries, once a while.

    What is asked through it must be such that no answer is never wrong, only slower. A crowd waits
    for its turn, which is no fault of Redis and counts for no time-out.
    """

    def __init__(
        self,
        *,
        monotonic_s: Callable[[], float],
        timeout_s: float = TIMEOUT_S,
        rest_s: float = REST_S,
    ) -> None:
        self._monotonic_s = monotonic_s
        self._timeout_s = timeout_s
        self._rest_s = rest_s
        self._rests_until: float | None = None
        self._turns = asyncio.Semaphore(AT_ONCE_MAX)

    @property
    def is_open(self) -> bool:
        """Whether Redis has failed and not answered since."""
        return self._rests_until is not None

    async def ask(self, question: Callable[[], Awaitable[Answer]]) -> Answer | None:
        """Return the answer to *question*; None where Redis is away."""
        async with self._turns:
            # Only now: who waited behind a failure does not wait for another.
            return await self._answer(question) if self._may_ask() else None

    async def _answer(self, question: Callable[[], Awaitable[Answer]]) -> Answer | None:
        try:
            async with asyncio.timeout(self._timeout_s):
                answer = await question()
        except (RedisError, OSError):  # time-outs are OSErrors, too
            self._rests_until = self._monotonic_s() + self._rest_s
            return None
        self._rests_until = None
        return answer

    def _may_ask(self) -> bool:
        if self._rests_until is None:
            return True
        now_s = self._monotonic_s()
        if now_s < self._rests_until:
            return False
        self._rests_until = now_s + self._rest_s  # this caller tries, the others go on resting
        return True
