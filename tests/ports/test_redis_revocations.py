"""Ended sessions in Redis: known or not, never known to be good (P8)."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from devstack.choose import Chosen
from storage.redis_breaker import RedisBreaker
from storage.redis_revocations import RevocationCache
from tests.ports.redis_ways import SOON_S, connected, forget, patient, slow_way
from tests.ports.waiting import until
from tests.speed import at_this_speed

pytestmark = pytest.mark.redis

MINUTE = timedelta(minutes=1)


@pytest.fixture
async def redis(stack: Chosen) -> AsyncIterator[Redis]:
    """Yield a connection to a server that has noted nothing."""
    async with connected(stack.addresses.redis) as client:
        yield client


@pytest.fixture
def cache(redis: Redis) -> RevocationCache:
    """Return a cache in it."""
    return over(redis)


@pytest.fixture
def session_id() -> str:
    """Return a session of the test's own."""
    return uuid4().hex


def over(redis: Redis) -> RevocationCache:
    return RevocationCache(redis, patient(), prefix="accounts.")


def soon(after: timedelta = MINUTE) -> datetime:
    return datetime.now(UTC) + after


async def test_what_is_noted_is_known(cache: RevocationCache, session_id: str) -> None:
    await cache.note(session_id, soon())
    await cache.note(session_id, soon())

    assert await cache.is_revoked(session_id)
    assert not await cache.is_revoked(uuid4().hex)


async def test_it_is_forgotten_when_its_tokens_have_expired(
    cache: RevocationCache, redis: Redis, session_id: str
) -> None:
    await cache.note(session_id, soon(timedelta(milliseconds=300)))
    left_ms = await redis.pttl(f"revoked:accounts.{session_id}")

    async def forgotten() -> bool:
        return not await cache.is_revoked(session_id)

    assert 0 < left_ms <= 300
    await until(forgotten)


async def test_what_has_expired_already_is_not_noted(
    cache: RevocationCache, session_id: str
) -> None:
    await cache.note(session_id, soon(-MINUTE))

    assert not await cache.is_revoked(session_id)


async def test_flushed_it_knows_nothing(
    cache: RevocationCache, redis: Redis, session_id: str
) -> None:
    await cache.note(session_id, soon())

    await forget(redis)

    assert not await cache.is_revoked(session_id)


async def test_slow_it_knows_nothing_soon(stack: Chosen, session_id: str) -> None:
    async with slow_way(stack.addresses.redis) as (url, way), connected(url) as redis:
        cache = RevocationCache(redis, RedisBreaker(monotonic_s=time.monotonic))
        await cache.note(session_id, soon())
        way.delay_s = 5.0
        started_s = time.monotonic()

        known = [await cache.is_revoked(session_id) for _ in range(50)]
        await cache.note(session_id, soon())

        assert not any(known)
        assert time.monotonic() - started_s < at_this_speed(SOON_S)


async def test_killed_it_knows_nothing(
    stack: Chosen, cache: RevocationCache, redis: Redis, session_id: str
) -> None:
    if stack.stack is None:
        pytest.skip("only a local server process can be killed")
    await cache.note(session_id, soon())
    server = stack.stack.redis
    server.kill()
    try:
        assert not await cache.is_revoked(session_id)
        await cache.note(session_id, soon())
    finally:
        await asyncio.to_thread(server.restart)

    again = over(redis)
    assert not await again.is_revoked(session_id)
    await again.note(session_id, soon())
    assert await again.is_revoked(session_id)
