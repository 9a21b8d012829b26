"""The accounts that everything is measured on."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from benchmarks.processes import Child
from benchmarks.records import ends, sender
from benchmarks.subject import SEED_ROUNDS, Service
from benchmarks.traffic import username
from benchmarks.watching import after_commands, watch
from contracts import topics


async def open_accounts(
    service: Service, users: int, key: Mapping[str, Any], pids: Mapping[str, int]
) -> None:
    """Open accounts by real commands through a worker, and give each some money."""
    worker = await service.start_worker(ACCOUNTS_PASSWORD_BCRYPT_ROUNDS=SEED_ROUNDS)
    try:
        await open_through(worker, service, users, key, pids)
    finally:
        await worker.stop()


async def open_through(
    worker: Child, service: Service, users: int, key: Mapping[str, Any], pids: Mapping[str, int]
) -> None:
    """Open accounts through a worker that runs already, started with `SEED_ROUNDS`."""
    names = [username(user) for user in range(users)]
    now = datetime.now(tz=UTC)
    results = [service.topic(topics.RESULTS)]
    over = after_commands(users)
    async with sender(service.kafka) as out:
        async with ends(service.kafka, results) as counted:
            await out.send(service.registrations(key, names, issued_at=now))
            await watch(counted, worker, pids, over=over)
        # Balance events stand for accepted deposits: were one refused, this would stall.
        async with ends(service.kafka, service.outputs) as counted:
            await out.send(service.first_deposits(users))
            await watch(counted, worker, pids, over=over)
