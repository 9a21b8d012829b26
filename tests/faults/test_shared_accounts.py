"""P5: one user's deposits alternate between two workers, as two partitioners place them."""

import asyncio
from collections.abc import Sequence
from itertools import cycle

from contracts.topics import DEPOSIT
from tests.e2e.caller import a_movement, open_caller
from tests.e2e.running import PARTITIONS, RunningService
from tests.faults.promises import eventually, verify
from tests.faults.running_traffic import started

EVENTS_PER_ENTRY_MAX = 3
"""The worker's own event, the same said again by the other, and one more for bad timing."""

ANSWERED = 200
"""Deposits that wait for the answer to the one before: the workers take turns for certain."""

SENT = 400
"""Deposits that wait for Kafka only: cycles of both workers overlap, and race for the account."""

ENDS = (0, PARTITIONS - 1)
"""Partitions that never belong to the same one of two members: each has a range of them."""


async def test_alternating_deposits_are_said_three_times_at_most(service: RunningService) -> None:
    """And no event is missing, though each worker takes what the other wrote last for unsaid."""
    async with open_caller(service) as caller:
        workers = await started(service, 2)
        username = await caller.a_user()

        def told() -> Sequence[int]:
            return [event.body["sequence"] for event in caller.inbox.balance_events(username)]

        partitions = cycle(ENDS)
        for _ in range(ANSWERED):
            await caller.deposit(username, "1.00", partition=next(partitions))
        await eventually(lambda: len(set(told())) == ANSWERED, "every event", 30)
        assert len(told()) <= EVENTS_PER_ENTRY_MAX * ANSWERED
        half = ANSWERED / 2
        await eventually(  # a worker counts behind its events
            lambda: all(
                each.metric("accounts_commands_total", command="deposit") == half
                for each in workers
            ),
            "each worker has one of the partitions",
            30,
        )

        deposits = [a_movement(username, "1.00") for _ in range(SENT)]
        for deposit in deposits:
            await caller.send(DEPOSIT, deposit, partition=next(partitions))
        for deposit in deposits:
            await caller.inbox.answer(deposit["command_id"])
        entries = ANSWERED + SENT
        await eventually(lambda: len(set(told())) == entries, "every event", 30)

        assert list(dict.fromkeys(told())) == list(range(1, entries + 1))
        assert len(told()) <= EVENTS_PER_ENTRY_MAX * entries
        await asyncio.to_thread(verify, service)
