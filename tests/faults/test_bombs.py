"""A batch of 33 kB that unpacks to 1 GiB, on every topic that is read (P10, P11, P12)."""

import asyncio
import logging
import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from contracts.topics import CREDENTIALS, INPUTS, TOPICS
from tests.batches import a_bomb
from tests.devstack.waiting import eventually
from tests.e2e.caller import Caller, open_caller
from tests.e2e.raw_batches import produce
from tests.e2e.running import RunningService
from tests.faults.running_traffic import started
from tests.speed import at_this_speed

GIBIBYTE = 1024**3
MEMORY_MAX_KB = 64 * 1024
"""What all bombs together may add to the worker's memory, at its peak."""

ANSWER_MAX_S = 0.5
"""Below this a slower answer says nothing: the broker looks through each bomb as well, on the same
two cores."""

ANSWERS = 300
"""Enough for a 99th percentile."""

READ = [topic for topic in TOPICS if topic.kind in INPUTS or topic is CREDENTIALS]


async def test_others_are_answered_and_memory_stays(service: RunningService) -> None:
    bomb = a_bomb(GIBIBYTE)
    [worker] = await started(service, 1)
    assert worker.pid is not None
    async with open_caller(service) as caller:
        users = [await caller.a_user("1.00") for _ in range(4)]
        await answered(caller, users, lambda: True)  # so that all is warm and loaded
        without_s = p99(await answered(caller, users, lambda: True))
        before_kb = memory_kb(worker.pid, "VmRSS")
        count_peak_from_here(worker.pid)

        throwing = asyncio.create_task(throw(service, bomb))
        beside_s = p99(await answered(caller, users, throwing.done))
        await throwing
        await eventually(
            lambda: worker.metric("accounts_undecodable_batches_skipped_total") == len(READ)
        )

    more_kb = memory_kb(worker.pid, "VmHWM") - before_kb
    said = f"p99 {without_s * 1000:.0f} → {beside_s * 1000:.0f} ms, memory + {more_kb // 1024} MiB"
    logging.getLogger(__name__).info(said)  # shown by --log-cli-level=INFO
    assert more_kb <= MEMORY_MAX_KB
    assert beside_s <= max(2 * without_s, at_this_speed(ANSWER_MAX_S))


async def throw(service: RunningService, bomb: bytes) -> None:
    for topic in READ:
        await produce(service, topic, 0, bomb)


async def answered(
    caller: Caller, users: Sequence[str], is_enough: Callable[[], bool]
) -> Sequence[float]:
    """Return how long each answer took, of several users at once."""
    took_s: list[float] = []

    async def ask(username: str) -> None:
        while len(took_s) < ANSWERS or not is_enough():
            began_s = time.monotonic()
            await caller.deposit(username, "1.00")
            took_s.append(time.monotonic() - began_s)

    await asyncio.gather(*map(ask, users))
    return took_s


def p99(took_s: Sequence[float]) -> float:
    return sorted(took_s)[math.ceil(len(took_s) * 0.99) - 1]


def count_peak_from_here(pid: int) -> None:
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def memory_kb(pid: int, which: str) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    [line] = [line for line in lines if line.startswith(f"{which}:")]
    return int(line.split()[1])
