"""Ended sessions that Redis remembers, so that most of them are refused without MongoDB."""

from datetime import datetime
from typing import Any, cast

from redis.asyncio import Redis

from storage.redis_breaker import RedisBreaker


class RevocationCache:
    """Remembers revocations, never validity: what it does not know has to be asked of MongoDB."""

    def __init__(self, redis: Redis, breaker: RedisBreaker, *, prefix: str = "") -> None:
        """Keep *prefix* in every key, so that several installations can share one Redis."""
        self._prefix = prefix
        self._redis = redis
        self._breaker = breaker

    async def note(self, session_id: str, until: datetime) -> None:
        """Remember that *session_id* has ended, *until* its last access token has expired."""
        await self._breaker.ask(
            lambda: cast("Any", self._redis.set(self._key(session_id), "1", pxat=until))
        )

    async def is_revoked(self, session_id: str) -> bool:
        """Say whether it is known to have ended; False says nothing, also where Redis is away."""
        known = self._breaker.ask(lambda: cast("Any", self._redis.exists(self._key(session_id))))
        return bool(await known)

    def _key(self, session_id: str) -> str:
        return f"revoked:{self._prefix}{session_id}"
