"""P1 to P5 in a backlog, where the next commands are read while some are decided."""

import asyncio

from tests.e2e.running import RunningService
from tests.faults.running_traffic import running_traffic, started, stopped

SEED = 20_260_301

BACKLOG = {"ledger_batch_records_max": "100", "ledger_lanes": "2"}
"""Many full cycles of a few thousand commands: the worker reads ahead all the time."""

USERS = 60
MOVEMENTS = 2_500


async def test_workers_that_are_killed_or_join_in_a_backlog_change_nothing(
    service: RunningService,
) -> None:
    async with running_traffic(service.but(**BACKLOG), SEED) as run:
        run.traffic.hopeless_share = 0  # a refusal has everything else wait for its question
        [first] = await started(run.service, 1)
        await run.send(users=USERS)
        await run.send(users=0, movements=200)
        await run.books().settle()
        assert (await stopped(first))[0] == 0, first.log_end()

        for kills in (1, 2, 1):
            await run.send(users=0, movements=MOVEMENTS)
            running = await started(run.service, 2)
            for _ in range(kills):
                await run.a_moment(0.05, 0.5)
                await asyncio.to_thread(running.pop().kill)
            running += await started(run.service, 1)
            await run.books().settle()
            for worker in running:
                assert (await stopped(worker))[0] == 0, worker.log_end()

        await started(run.service, 1)
        await run.books().check()
