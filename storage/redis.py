"""What may be lost, in Redis: the connection, its health, and the lease. Never money."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from secrets import token_hex
from typing import Any, TypeVar

from redis.asyncio import Redis
from redis.asyncio.lock import Lock
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    AuthenticationError,
    LockError,
    NoPermissionError,
    RedisError,
    ResponseError,
)

from storage.ports.errors import StoreCheckError, StoreUnavailableError

Answer = TypeVar("Answer")

TIMEOUT_MS = 1000
"""Longest wait for Redis: it costs latency only, so nobody waits long for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisOptions:
    """Where Redis is and how to get in. What is None is left to the URL (`rediss://` is TLS)."""

    url: str = field(repr=False)
    timeout_ms: int = TIMEOUT_MS
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls_ca_file: str | None = None
    tls_certificate_file: str | None = None
    tls_key_file: str | None = None


def connect(options: RedisOptions) -> Redis:
    """Return a client that answers or fails within its timeout, and never tries by itself again.

    Raises:
        StoreCheckError: The URL or the TLS settings are wrong.
    """
    settings: dict[str, Any] = {
        "username": options.username,
        "password": options.password,
        "ssl_ca_certs": options.tls_ca_file,
        "ssl_certfile": options.tls_certificate_file,
        "ssl_keyfile": options.tls_key_file,
    }
    given = {name: value for name, value in settings.items() if value is not None}
    if any(name.startswith("ssl_") for name in given) and not options.url.startswith("rediss://"):
        raise StoreCheckError("Redis has TLS files but no TLS: write its URL with rediss://")
    timeout_s = options.timeout_ms / 1000
    try:
        return Redis.from_url(  # pyright: ignore[reportUnknownMemberType]
            options.url,
            socket_timeout=timeout_s,
            socket_connect_timeout=timeout_s,
            retry=Retry(NoBackoff(), 0),
            **given,
        )
    except (ValueError, TypeError) as error:
        # The driver's own text may repeat the URL, which may hold a password.
        raise StoreCheckError(
            f"the Redis URL is wrong ({type(error).__name__}): write redis://host:port/0"
        ) from None


class RedisHealth:
    """Whether Redis answers."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def ping(self) -> None:
        """Return once Redis has answered.

        Raises:
            StoreUnavailableError: It has not.
        """
        answer = self._redis.ping()  # pyright: ignore[reportUnknownMemberType]
        await _asked(answer)


class RedisLease:
    """The right to do one job, for a while, held by one process at a time.

    Redis may forget it, and a paused holder may not notice that it has expired. So whoever acquires
    it also gets a fencing token, a number that only grows and is counted where nothing is lost; the
    token of the library's lock only tells its holders apart.
    """

    def __init__(
        self,
        redis: Redis,
        *,
        name: str,
        ttl: timedelta,
        next_token: Callable[[str], Awaitable[int]],
    ) -> None:
        self._name = name
        self._next_token = next_token
        self._lock = Lock(
            redis,
            f"lease:{name}",
            timeout=ttl.total_seconds(),
            blocking=False,
            thread_local=False,  # it belongs to the process, not to the thread that made it
        )

    async def acquire(self) -> int | None:
        """Return a fencing token higher than any before, or None while another holds the lease.

        Raises:
            StoreUnavailableError: Redis or the counter does not answer; the lease is not ours.
        """
        # The library's own choice is a UUID of version 1, which holds the machine's address.
        if not await _asked(self._lock.acquire(token=token_hex(16))):
            return None
        return await self._next_token(self._name)

    async def renew(self) -> bool:
        """Hold the lease for its full time from now on; False means that it is no longer ours.

        Raises:
            StoreUnavailableError: Redis does not answer; count on the lease being lost.
        """
        try:
            return await _asked(self._lock.reacquire())
        except LockError:
            return False

    async def release(self) -> None:
        """Give the lease up if it is ours.

        Raises:
            StoreUnavailableError: Redis does not answer; the lease ends by itself.
        """
        with suppress(LockError):
            await _asked(self._lock.release())


async def _asked(answer: Awaitable[Answer]) -> Answer:
    try:
        return await answer
    except LockError:
        raise  # an answer, although the library counts it among the errors of Redis
    except (AuthenticationError, NoPermissionError) as error:
        raise StoreUnavailableError(
            f"Redis refuses this user ({type(error).__name__}): check its credentials and ACL"
        ) from error
    except ResponseError as error:
        raise StoreUnavailableError(
            f"Redis refuses what it is asked ({type(error).__name__}): check this user's ACL (a script "
            "needs the right to each of its commands), and whether it is a replica or out of memory"
        ) from error
    except (RedisError, OSError) as error:
        raise StoreUnavailableError(
            f"Redis does not answer ({type(error).__name__}): check its address, TLS files and load"
        ) from error
