"""A connection that many tasks share: whoever fails or gives up ends it for nobody else."""

import asyncio
from contextlib import suppress

import pytest
from aiokafka.errors import KafkaConnectionError

from client.shared import Shared

LONG_S = 30.0


class Connections:
    """Opens connections when told, numbered; says which were closed."""

    def __init__(self) -> None:
        self.may_open = asyncio.Event()
        self.attempts = 0
        self.away = False
        self.closed: list[int] = []

    async def open_one(self) -> int:
        self.attempts += 1
        await self.may_open.wait()
        if self.away:
            raise KafkaConnectionError("away")
        return self.attempts

    async def close_one(self, number: int) -> None:
        self.closed.append(number)


@pytest.fixture
def connections() -> Connections:
    return Connections()


@pytest.fixture
def shared(connections: Connections) -> Shared[int]:
    return Shared(connections.open_one, connections.close_one, open_timeout_s=LONG_S)


async def a_turn() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def number_used(shared: Shared[int], timeout_s: float = LONG_S) -> int:
    async with shared.use(timeout_s) as number:
        return number


class User:
    """Uses the connection until it is told how that ends."""

    def __init__(self, shared: Shared[int]) -> None:
        self.number = 0
        self.end = asyncio.get_running_loop().create_future()
        self.task = asyncio.create_task(self._use(shared))

    async def _use(self, shared: Shared[int]) -> None:
        async with shared.use(LONG_S) as self.number:
            await self.end


async def users(shared: Shared[int], count: int) -> list[User]:
    made = [User(shared) for _ in range(count)]
    await a_turn()
    return made


async def test_it_is_opened_once_though_the_first_to_ask_gave_up(
    connections: Connections, shared: Shared[int]
) -> None:
    first, *others = await users(shared, 3)
    first.task.cancel()
    await a_turn()
    connections.may_open.set()
    await a_turn()

    assert first.task.cancelled()
    assert [user.number for user in others] == [1, 1]
    assert connections.attempts == 1


async def test_all_learn_of_one_attempt_that_failed_and_the_next_one_tries_again(
    connections: Connections, shared: Shared[int]
) -> None:
    connections.away = True
    failing = await users(shared, 3)
    connections.may_open.set()

    for user in failing:
        with pytest.raises(KafkaConnectionError, match="away"):
            await user.task
    assert connections.attempts == 1

    connections.away = False
    assert await number_used(shared) == 2


async def test_an_attempt_that_hangs_ends_and_another_is_made(connections: Connections) -> None:
    shared = Shared(connections.open_one, connections.close_one, open_timeout_s=0.01)
    with pytest.raises(TimeoutError):
        await number_used(shared)

    connections.may_open.set()

    assert await number_used(shared) == 2


async def test_who_has_no_time_left_leaves_the_attempt_to_the_others(
    connections: Connections, shared: Shared[int]
) -> None:
    [other] = await users(shared, 1)
    with pytest.raises(TimeoutError):
        await number_used(shared, timeout_s=0.01)

    connections.may_open.set()
    await a_turn()

    assert (other.number, connections.attempts) == (1, 1)


async def test_an_error_of_one_has_it_replaced_and_closed_behind_the_last_user(
    connections: Connections, shared: Shared[int]
) -> None:
    connections.may_open.set()
    failing, going_on = await users(shared, 2)

    failing.end.set_exception(KafkaConnectionError("told to fail"))
    with pytest.raises(KafkaConnectionError):
        await failing.task
    await a_turn()
    assert await number_used(shared) == 2
    assert connections.closed == []

    going_on.end.set_result(None)
    await going_on.task
    await a_turn()
    assert connections.closed == [1]
    assert await number_used(shared) == 2


async def test_one_out_of_time_has_it_replaced_and_the_others_go_on(
    connections: Connections, shared: Shared[int]
) -> None:
    connections.may_open.set()
    [going_on] = await users(shared, 1)

    with pytest.raises(TimeoutError):
        async with shared.use(0.01):
            await asyncio.Event().wait()
    await a_turn()

    assert connections.closed == []
    going_on.end.set_result(None)
    await going_on.task


async def test_a_cancelled_user_changes_nothing(
    connections: Connections, shared: Shared[int]
) -> None:
    connections.may_open.set()
    [user] = await users(shared, 1)

    user.task.cancel()
    with suppress(asyncio.CancelledError):
        await user.task

    assert await number_used(shared) == 1
    assert connections.closed == []


async def test_stopping_closes_it_at_once_and_tells_who_waits_for_it(
    connections: Connections, shared: Shared[int]
) -> None:
    connections.may_open.set()
    await users(shared, 1)
    await shared.stop()
    assert connections.closed == [1]

    connections.may_open.clear()
    [waiting] = await users(shared, 1)
    await shared.stop()

    with pytest.raises(KafkaConnectionError, match="closed while it was opened"):
        await waiting.task


async def test_it_may_be_used_again_after_a_stop(
    connections: Connections, shared: Shared[int]
) -> None:
    connections.may_open.set()
    await number_used(shared)
    await shared.stop()

    assert await number_used(shared) == 2
