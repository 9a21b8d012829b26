"""Watching work from outside: record counts, CPU and memory, a few times a second."""

import asyncio
import time
from collections.abc import Callable, Mapping

from benchmarks.figures import Sample
from benchmarks.processes import BenchError, Child, cpu_of, rss_mb
from benchmarks.records import Ends

POLL_S = 0.1
"""About one percent of a window of 100,000 commands; asking costs Kafka nothing to speak of."""

STALL_S = 60.0
"""Nothing new for this long: the worker hangs, and waiting longer would not help."""


async def watch(
    ends: Ends, worker: Child, pids: Mapping[str, int], *, over: Callable[[list[Sample]], bool]
) -> list[Sample]:
    """Take samples until *over* says so.

    Raises:
        BenchError: The worker ended, or nothing came out for a minute.
    """
    samples: list[Sample] = []
    changed_s, seen = time.perf_counter(), 0
    while not (samples and over(samples)):
        worker.require_running()
        done = await ends.done()
        now_s = time.perf_counter()
        cpu_s = cpu_of({**pids, "worker": worker.pid})
        samples.append(Sample(at_s=now_s, done=done, cpu_s=cpu_s, rss_mb=rss_mb(worker.pid)))
        if done > seen:
            changed_s, seen = now_s, done
        if now_s - changed_s > STALL_S:
            raise BenchError(
                f"{worker.name}: nothing new for {STALL_S:.0f} s after {done} commands; "
                f"its last lines:\n{worker.tail()}"
            )
        await asyncio.sleep(POLL_S)
    return samples


def after_commands(commands: int) -> Callable[[list[Sample]], bool]:
    """Stop once *commands* are through."""
    return lambda samples: samples[-1].done >= commands


def after_seconds(seconds: float) -> Callable[[list[Sample]], bool]:
    """Stop *seconds* after the first command was through."""

    def over(samples: list[Sample]) -> bool:
        first = next((sample.at_s for sample in samples if sample.done > 0), None)
        return first is not None and samples[-1].at_s - first >= seconds

    return over
