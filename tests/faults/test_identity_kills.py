"""P4, P2: the identity worker dies between hashing a password and answering its registration."""

import asyncio

from tests.e2e.running import RunningService
from tests.faults.running_traffic import running_traffic
from tests.faults.stored import read_stored

SEED = 10
KILLS = 4
USERS_PER_ROUND = 60


async def test_registrations_are_answered_though_the_identity_worker_is_killed(
    service: RunningService,
) -> None:
    """P2, P3, P4: one credential for each account, never replaced."""
    async with running_traffic(service, SEED) as run:
        # Slow enough that a kill comes between two of them.
        slow = service.but(password_bcrypt_rounds="8")
        service.new_worker("ledger")
        identity = slow.new_worker("identity")
        await all_ready(service)

        for _ in range(KILLS):
            sending = run.sending(users=USERS_PER_ROUND, movements=0)
            await run.a_moment(0.2, 0.8)
            await asyncio.to_thread(identity.kill)
            await sending
            kept = (await asyncio.to_thread(read_stored, service)).hashes
            identity = slow.new_worker("identity")
            await all_ready(service)
            now = (await asyncio.to_thread(read_stored, service)).hashes
            assert kept.items() <= now.items()

        await run.books().check()


async def all_ready(service: RunningService) -> None:
    for worker in service.workers:
        if worker.pid is not None:
            await asyncio.to_thread(worker.wait_ready)
