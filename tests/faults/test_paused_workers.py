"""P7: a worker that was stopped past its session timeout cannot change what its successor did."""

import asyncio

from tests.e2e.running import RunningService, Worker
from tests.faults.promises import eventually
from tests.faults.running_traffic import RunningTraffic, running_traffic, started
from tests.faults.stored import read_stored

SEED = 7
PAUSES = 3


async def test_a_worker_continued_after_its_session_timed_out_does_no_harm(
    service: RunningService,
) -> None:
    """P7: also the compacted topic ends with the latest states."""
    async with running_traffic(service, SEED) as run:
        running = await started(service, 2)
        await run.send(users=60)

        for turn in range(PAUSES):
            zombie, successor = running[turn % 2], running[1 - turn % 2]
            sending = run.sending(users=10, movements=1500)
            await run.a_moment(0.05, 0.6)
            zombie.pause()
            await sending
            await everything_answered(run, successor)
            # The successor moves on, so that whatever the zombie still holds is outdated.
            await run.send(users=10, movements=300)
            await everything_answered(run, successor)
            stored = await asyncio.to_thread(read_stored, service)

            zombie.resume()
            await asyncio.to_thread(zombie.wait_ready)

            assert await asyncio.to_thread(read_stored, service) == stored
        await run.send(users=0, movements=300)
        await run.books().check()


async def everything_answered(run: RunningTraffic, successor: Worker) -> None:
    """Wait until all is answered while one of the two workers stands still."""
    answered, wanted = run.caller.inbox.answered, run.traffic.records
    await eventually(
        lambda: all(answered[name] >= count for name, count in wanted.items()),
        f"the successor takes over: {successor.log_end()}",
        60,
    )
