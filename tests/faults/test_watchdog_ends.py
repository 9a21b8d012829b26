"""A worker that does not get on ends itself with a reason, so that another can take over."""

import asyncio
import os
import time

from contracts.topics import REGISTER
from tests.e2e.caller import a_name, open_caller
from tests.e2e.running import RunningService
from tests.faults.promises import eventually
from tests.faults.running_traffic import started
from workers.keys.ring import CHECK_INTERVAL_S

ENDED_MAX_S = 30.0
"""The watchdog's patience and the bound of a stop, both set to seconds, on a busy machine."""


async def test_a_worker_that_hangs_ends_with_a_reason_and_its_successor_answers(
    service: RunningService,
) -> None:
    """P4: what it had in hand is answered by the next one.

    A key that never finishes being read (a pipe here, a network folder in life) holds up the check
    of sealed passwords: nothing fails, no dependency is away, records wait.
    """
    async with open_caller(service) as caller:
        [worker] = await started(
            service.but(
                watchdog_s="2", worker_publish_deadline_ms="1000", worker_shutdown_timeout_ms="1000"
            ),
            1,
        )
        stuck = service.settings.keys_dir / "sealing-stuck.json"
        os.mkfifo(stuck, 0o600)
        await asyncio.sleep(CHECK_INTERVAL_S)  # from then on the next password has it look again
        body = caller.registration(a_name())
        began_s = time.monotonic()
        await caller.send(REGISTER, body)

        await eventually(lambda: worker.pid is None, "the watchdog ends it", ENDED_MAX_S)

        assert worker.processes.wait(worker.name, 0) == 1, worker.log_end()
        assert "no progress for" in worker.log_end()
        assert time.monotonic() - began_s > 2
        assert caller.inbox.answers(body["command_id"]) == []
        stuck.unlink()
        await started(service, 1)
        answer = await caller.inbox.answer(body["command_id"])
        assert answer.body["status"] == "accepted"
