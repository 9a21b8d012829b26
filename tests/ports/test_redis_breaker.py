"""What a Redis that is slow or away costs."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, cast
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from devstack.choose import Chosen
from storage.redis_breaker import REST_S, TIMEOUT_S, RedisBreaker
from tests.ports.redis_ways import SOON_S, SlowWay, connected, slow_way
from tests.speed import at_this_speed

CALLERS = 50
CROWD = 200
MILLISECOND = 0.001


class Clock:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


class Asked:
    """Questions that fail, or are answered, as the test says; counts them."""

    def __init__(self) -> None:
        self.count = 0
        self.fails = True

    async def __call__(self) -> str:
        self.count += 1
        await asyncio.sleep(0)
        if self.fails:
            raise ConnectionRefusedError
        return "answer"


@pytest.fixture
def clock() -> Clock:
    """Return a clock that stands still."""
    return Clock()


@pytest.fixture
def asked() -> Asked:
    """Return questions that fail."""
    return Asked()


@pytest.fixture
def breaker(clock: Clock) -> RedisBreaker:
    """Return a breaker that has seen nothing yet."""
    return RedisBreaker(monotonic_s=clock)


async def test_what_is_answered_is_passed_on(breaker: RedisBreaker, asked: Asked) -> None:
    asked.fails = False

    assert await breaker.ask(asked) == "answer"
    assert not breaker.is_open


@pytest.mark.parametrize(
    ("after_s", "count"), [(0.0, 1), (REST_S - MILLISECOND, 1), (REST_S, 2), (REST_S * 9, 2)]
)
async def test_after_a_failure_nobody_asks_for_a_while(
    breaker: RedisBreaker, asked: Asked, clock: Clock, after_s: float, count: int
) -> None:
    assert await breaker.ask(asked) is None
    clock.now_s += after_s

    assert await breaker.ask(asked) is None

    assert asked.count == count
    assert breaker.is_open


async def test_then_one_of_many_tries(breaker: RedisBreaker, asked: Asked, clock: Clock) -> None:
    await breaker.ask(asked)
    clock.now_s += REST_S

    await asyncio.gather(*(breaker.ask(asked) for _ in range(CALLERS)))

    assert asked.count == 2


async def test_answered_once_everybody_asks(
    breaker: RedisBreaker, asked: Asked, clock: Clock
) -> None:
    await breaker.ask(asked)
    asked.fails = False
    clock.now_s += REST_S

    answers = [await breaker.ask(asked), await breaker.ask(asked)]

    assert answers == ["answer", "answer"]
    assert not breaker.is_open


async def test_our_own_bug_is_not_taken_for_a_failure(breaker: RedisBreaker) -> None:
    async def bug() -> None:
        raise KeyError

    with pytest.raises(KeyError):
        await breaker.ask(bug)


@pytest.mark.redis
async def test_a_crowd_waits_for_its_turn_instead_of_failing(stack: Chosen) -> None:
    breaker = RedisBreaker(monotonic_s=time.monotonic)
    async with connected(stack.addresses.redis) as redis:
        answers = await asyncio.gather(
            *(breaker.ask(lambda: cast("Any", redis.exists("nothing"))) for _ in range(CROWD))
        )

    assert answers == [0] * CROWD
    assert not breaker.is_open


@pytest.mark.redis
class TestSlowRedis:
    @pytest.fixture
    async def slow(self, stack: Chosen) -> AsyncIterator[tuple[Redis, SlowWay]]:
        """Yield a connection through something that can be slow."""
        async with slow_way(stack.addresses.redis) as (url, way), connected(url) as client:
            yield client, way

    def get(self, redis: Redis, key: str) -> Callable[[], Awaitable[Any]]:
        return lambda: cast("Awaitable[Any]", redis.get(key))

    async def test_costs_one_short_time_out(
        self, slow: tuple[Redis, SlowWay], breaker: RedisBreaker
    ) -> None:
        redis, way = slow
        await redis.ping()  # pyright: ignore[reportUnknownMemberType]
        way.delay_s = 5.0
        started_s = time.monotonic()

        for _ in range(CALLERS):
            assert await breaker.ask(self.get(redis, "any")) is None

        assert TIMEOUT_S * 0.9 <= time.monotonic() - started_s < at_this_speed(SOON_S)

    async def test_costs_callers_at_once_the_same_time_out(
        self, slow: tuple[Redis, SlowWay], breaker: RedisBreaker
    ) -> None:
        redis, way = slow
        way.delay_s = 5.0
        started_s = time.monotonic()

        await asyncio.gather(*(breaker.ask(self.get(redis, "any")) for _ in range(CALLERS)))

        assert time.monotonic() - started_s < at_this_speed(SOON_S)

    async def test_never_answers_one_with_what_was_meant_for_another(
        self, slow: tuple[Redis, SlowWay], clock: Clock
    ) -> None:
        redis, way = slow
        breaker = RedisBreaker(monotonic_s=clock, timeout_s=0.03, rest_s=0)
        keys = [uuid4().hex for _ in range(10)]
        for key in keys:
            await redis.set(key, key, ex=60)

        for turn, key in enumerate(keys * 3):
            way.delay_s = 0.2 if turn % 3 == 0 else 0.0
            assert await breaker.ask(self.get(redis, key)) in (None, key.encode())
            assert way.delay_s == 0.0 or breaker.is_open

        way.delay_s = 0.0
        for key in keys:
            assert await redis.get(key) == key.encode()
