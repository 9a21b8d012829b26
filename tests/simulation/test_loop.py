"""The loop's time is virtual, and a process can be killed or stand still."""

import asyncio
from collections.abc import Coroutine
from contextvars import copy_context
from random import Random
from typing import Any

import pytest

from tests.simulation.loop import StuckError, VirtualLoop
from tests.simulation.network import PROCESS

HOUR_S = 3600.0


def started(loop: VirtualLoop, name: str, work: Coroutine[Any, Any, None]) -> None:
    context = copy_context()
    context.run(PROCESS.set, name)
    loop.create_task(work, context=context)


async def ticking(ticks: list[float]) -> None:
    while True:
        await asyncio.sleep(1)
        ticks.append(round(asyncio.get_running_loop().time()))


class TestVirtualLoop:
    def test_lets_an_hour_pass_at_once(self) -> None:
        loop = VirtualLoop(Random(1))

        loop.run_until_complete(asyncio.sleep(HOUR_S))

        assert HOUR_S <= loop.time() < HOUR_S + 1
        loop.end()

    def test_runs_nothing_of_a_process_that_was_killed(self) -> None:
        loop, ticks = VirtualLoop(Random(1)), list[float]()
        started(loop, "victim", ticking(ticks))
        loop.call_later(3.5, loop.kill, "victim")

        loop.run_until_complete(asyncio.sleep(10))

        assert ticks == [1, 2, 3]
        loop.end()

    def test_lets_a_process_go_on_where_it_stood_still(self) -> None:
        loop, ticks = VirtualLoop(Random(1)), list[float]()
        started(loop, "zombie", ticking(ticks))
        loop.call_later(2.5, loop.pause, "zombie", 7.5)

        loop.run_until_complete(asyncio.sleep(10))

        assert ticks[:3] == [1, 2, 8]
        loop.end()

    def test_does_the_work_of_threads_at_once(self) -> None:
        loop = VirtualLoop(Random(1))

        assert loop.run_until_complete(asyncio.to_thread(sum, (1, 2))) == 3
        assert loop.time() < 1
        loop.end()

    def test_says_that_nothing_will_ever_happen(self) -> None:
        loop = VirtualLoop(Random(1))

        with pytest.raises(StuckError):
            loop.run_until_complete(loop.create_future())
        loop.end()
