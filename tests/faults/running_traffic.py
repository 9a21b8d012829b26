"""A running traffic: senders, what comes back, random moments, and workers that come and go."""

import asyncio
import logging
import random
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from tests.e2e.caller import Caller, open_caller
from tests.e2e.running import RunningService, Worker
from tests.faults.promises import Books
from tests.faults.traffic import Command, Senders, Traffic, open_senders

logger = logging.getLogger(__name__)


@dataclass
class RunningTraffic:
    """One test's senders and inbox; *moments* decides when something breaks."""

    service: RunningService
    caller: Caller
    senders: Senders
    traffic: Traffic
    moments: random.Random

    async def send(self, *, users: int, movements: int = 0) -> Sequence[Command]:
        """Send a round and return once all of it is acknowledged."""
        commands = self.traffic.a_round(users=users, movements=movements)
        await self.senders.send(commands)
        return commands

    def sending(self, *, users: int, movements: int) -> asyncio.Task[Sequence[Command]]:
        """Send a round while the test goes on."""
        return asyncio.create_task(self.send(users=users, movements=movements))

    async def a_moment(self, least_s: float, most_s: float) -> None:
        """Let a random time pass."""
        await asyncio.sleep(self.moments.uniform(least_s, most_s))

    def books(self, again: int = 0) -> Books:
        """Return what is to be checked at the end."""
        return Books(self.service, self.caller.inbox, self.traffic, again)


@asynccontextmanager
async def running_traffic(service: RunningService, seed: int) -> AsyncGenerator[RunningTraffic]:
    """Open senders and inbox. The seed is shown where the test fails."""
    logger.warning("seed %s", seed)
    async with open_caller(service) as caller, open_senders(service) as senders:

        def registration(username: str, command_id: str) -> dict[str, object]:
            return caller.registration(username, command_id=command_id)

        traffic = Traffic(registration, random.Random(seed))
        yield RunningTraffic(service, caller, senders, traffic, random.Random(seed))


async def started(service: RunningService, count: int) -> list[Worker]:
    """Start *count* workers side by side; return when all workers of the service are ready."""
    new = [service.new_worker() for _ in range(count)]
    for worker in service.workers:
        if worker.pid is not None:
            await asyncio.to_thread(worker.wait_ready)
    return new


async def stopped(worker: Worker) -> tuple[int | None, float]:
    """Ask a worker to stop; return its exit status and how long it took, in seconds."""
    began_s = time.monotonic()
    await asyncio.to_thread(worker.stop)
    return worker.processes.wait(worker.name, 0), time.monotonic() - began_s
