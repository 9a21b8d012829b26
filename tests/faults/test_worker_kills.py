"""P2 to P5: workers die at any moment, and nobody can tell from what is published."""

import asyncio

from tests.e2e.running import RunningService
from tests.faults.running_traffic import running_traffic, started, stopped
from tests.speed import at_this_speed

SEED = 20_260_101
KILLS = (1, 1, 2, 1, 1, 2, 1, 2)
"""How many of the two workers die in each round: eleven altogether."""

USERS_PER_ROUND = 30
MOVEMENTS_PER_ROUND = 2_500

STOP_MAX_S = 22.0
"""The bound that a worker sets itself for what it has in hand, and a little for the rest."""


async def test_kill_9_at_random_moments_changes_nothing(service: RunningService) -> None:
    """P2, P3, P4, P5: eleven kills within 20,000 commands, two workers, both partitioners."""
    async with running_traffic(service, SEED) as run:
        running = await started(service, 2)
        await run.send(users=USERS_PER_ROUND)

        for kills in KILLS:
            sending = run.sending(users=USERS_PER_ROUND, movements=MOVEMENTS_PER_ROUND)
            for _ in range(kills):
                await run.a_moment(0.05, 0.7)
                victim = running.pop(run.moments.randrange(len(running)))
                await asyncio.to_thread(victim.kill)
            await sending
            running += await started(service, kills)

        assert len(run.traffic.commands) >= 20_000
        await run.books().check()


async def test_graceful_restarts_under_load_change_nothing(service: RunningService) -> None:
    """P2, P3, P4, P5: workers are asked to stop in the middle of their work, and end with 0."""
    async with running_traffic(service, SEED + 1) as run:
        running = await started(service, 2)
        await run.send(users=USERS_PER_ROUND)

        for _ in range(3):
            sending = run.sending(users=USERS_PER_ROUND, movements=MOVEMENTS_PER_ROUND)
            await run.a_moment(0.05, 0.7)
            leaver = running.pop(run.moments.randrange(len(running)))
            status, took_s = await stopped(leaver)
            assert status == 0, leaver.log_end()
            assert took_s < at_this_speed(STOP_MAX_S)
            await sending
            running += await started(service, 1)

        await run.books().check()
