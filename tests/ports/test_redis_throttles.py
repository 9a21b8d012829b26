"""Redis in front of the throttles: it refuses sooner, and never lets anybody through (P8)."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, cast

import pytest
from redis.asyncio import Redis

from devstack.choose import Chosen
from handlers.throttling import Attempt, ThrottleRule
from storage.memory_identities import MemoryThrottles
from storage.redis_breaker import RedisBreaker
from storage.redis_throttles import NOTED_MAX, FrontedThrottles
from tests.builders import NOON
from tests.ports.redis_ways import SOON_S, connected, forget, patient, slow_way
from tests.speed import at_this_speed

pytestmark = pytest.mark.redis

KEY = "throttle:accounts.user:alice"
USER = ThrottleRule(free=0, failures_max=3)
SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)


class Counted(MemoryThrottles):
    """Says how often it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0

    async def count(self, subject: str, **options: Any) -> Attempt:
        self.asked += 1
        return await super().count(subject, **options)


@pytest.fixture
async def redis(stack: Chosen) -> AsyncIterator[Redis]:
    """Yield a connection to a server that has noted nothing."""
    async with connected(stack.addresses.redis) as client:
        yield client


@pytest.fixture
def durable() -> Counted:
    """Return the truth."""
    return Counted()


@pytest.fixture
def throttles(durable: Counted, redis: Redis) -> FrontedThrottles:
    """Return the truth with Redis in front."""
    return fronted(durable, redis)


def fronted(
    durable: Counted, redis: Redis, breaker: RedisBreaker | None = None
) -> FrontedThrottles:
    return FrontedThrottles(durable, redis, breaker or patient(), prefix="accounts.")


async def lock(throttles: FrontedThrottles) -> None:
    for number in range(3):
        assert (await throttles.count("user:alice", rule=USER, now=NOON + number * HOUR)).allowed


async def test_a_refusal_is_asked_for_once(throttles: FrontedThrottles, durable: Counted) -> None:
    await throttles.count("user:alice", rule=USER, now=NOON)

    refused = [await throttles.count("user:alice", rule=USER, now=NOON) for _ in range(5)]

    assert refused == [Attempt(allowed=False, failures=1, retry_at=NOON + SECOND)] * 5
    assert durable.asked == 2


async def test_it_is_repeated_until_the_wait_is_over(
    throttles: FrontedThrottles, durable: Counted
) -> None:
    for _ in range(2):
        await throttles.count("user:alice", rule=USER, now=NOON)

    early = await throttles.count(
        "user:alice", rule=USER, now=NOON + SECOND - timedelta(milliseconds=1)
    )
    then = await throttles.count("user:alice", rule=USER, now=NOON + SECOND)

    assert (early.allowed, then.allowed) == (False, True)
    assert durable.asked == 3


@pytest.mark.parametrize(("wait", "kept"), [(SECOND, SECOND), (HOUR, NOTED_MAX)])
async def test_it_is_noted_for_as_long_as_it_lasts_but_not_for_long(
    throttles: FrontedThrottles, redis: Redis, wait: timedelta, kept: timedelta
) -> None:
    rule = ThrottleRule(free=0, first=wait, longest=wait)
    for _ in range(2):
        await throttles.count("user:alice", rule=rule, now=NOON)

    left_ms = await redis.pttl(KEY)

    assert 0 < left_ms <= kept / timedelta(milliseconds=1)
    assert left_ms > kept / timedelta(milliseconds=1) - 900


@pytest.mark.parametrize("locked", [False, True])
async def test_the_record_counted_last_is_not_refused_for_the_others(
    throttles: FrontedThrottles, *, locked: bool
) -> None:
    rule = ThrottleRule(free=0, failures_max=1) if locked else USER
    await throttles.count("user:alice", rule=rule, now=NOON, record="a.topic:3:7:1")
    for _ in range(2):
        other = await throttles.count("user:alice", rule=rule, now=NOON, record="a.topic:3:8:1")
        assert not other.allowed

    again = await throttles.count("user:alice", rule=rule, now=NOON, record="a.topic:3:7:1")

    assert (again.allowed, again.failures) == (True, 1)


async def test_a_lock_out_is_repeated(throttles: FrontedThrottles, durable: Counted) -> None:
    await lock(throttles)

    refused = [await throttles.count("user:alice", rule=USER, now=NOON + 9 * HOUR) for _ in "ab"]

    assert refused == [Attempt(allowed=False, failures=3)] * 2
    assert durable.asked == 4


@pytest.mark.parametrize("all_of_them", [True, False])
async def test_what_is_forgiven_is_not_refused(
    throttles: FrontedThrottles, *, all_of_them: bool
) -> None:
    for _ in range(2):
        await throttles.count("user:alice", rule=USER, now=NOON)

    await throttles.forgive("user:alice", all_of_them=all_of_them)

    assert (await throttles.count("user:alice", rule=USER, now=NOON)).allowed


async def test_flushed_it_forgets_no_lock_out(
    throttles: FrontedThrottles, durable: Counted, redis: Redis
) -> None:
    await lock(throttles)
    await throttles.count("user:alice", rule=USER, now=NOON + 9 * HOUR)

    await forget(redis)

    assert not (await throttles.count("user:alice", rule=USER, now=NOON + 9 * HOUR)).allowed
    assert durable.asked == 5


@pytest.mark.parametrize(
    "foreign",
    [b"", b"x", b"7", b" ", b"1 x", b"-", b"1 99999999999999999999", b"\xff\x00 \xff", b"1 1"],
)
async def test_what_somebody_else_wrote_there_is_passed_over(
    throttles: FrontedThrottles, redis: Redis, foreign: bytes
) -> None:
    await redis.set(KEY, foreign, ex=60)

    assert (await throttles.count("user:alice", rule=USER, now=NOON)).allowed


async def test_another_kind_of_value_is_as_if_redis_were_away(
    throttles: FrontedThrottles, redis: Redis
) -> None:
    await cast("Any", redis.lpush(KEY, "x"))

    assert (await throttles.count("user:alice", rule=USER, now=NOON)).allowed


async def test_a_slow_redis_opens_nothing_and_costs_little(stack: Chosen) -> None:
    durable = Counted()
    async with slow_way(stack.addresses.redis) as (url, way), connected(url) as redis:
        throttles = fronted(durable, redis, RedisBreaker(monotonic_s=time.monotonic))
        await lock(throttles)
        way.delay_s = 5.0
        started_s = time.monotonic()

        refused = [
            await throttles.count("user:alice", rule=USER, now=NOON + 9 * HOUR) for _ in range(50)
        ]

        assert not any(each.allowed for each in refused)
        assert durable.asked == 53
        assert time.monotonic() - started_s < at_this_speed(SOON_S)


async def test_a_killed_redis_opens_nothing(stack: Chosen, durable: Counted, redis: Redis) -> None:
    if stack.stack is None:
        pytest.skip("only a local server process can be killed")
    throttles = fronted(durable, redis)
    await lock(throttles)
    server = stack.stack.redis
    server.kill()
    try:
        away = await throttles.count("user:alice", rule=USER, now=NOON + 9 * HOUR)
        await throttles.forgive("user:bob", all_of_them=True)
    finally:
        await asyncio.to_thread(server.restart)
    back = await fronted(durable, redis).count("user:alice", rule=USER, now=NOON + 9 * HOUR)

    assert away == back == Attempt(allowed=False, failures=3)
