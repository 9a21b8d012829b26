"""Ledger workers of this release and of the one before never run side by side."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import InconsistentGroupProtocolError

from contracts.topics import ORDERED
from tests.e2e.running import END_MAX_S, RunningService
from tests.speed import at_this_speed

JOIN_MAX_S = 30.0


@asynccontextmanager
async def a_worker_of_before(service: RunningService) -> AsyncGenerator[Any]:
    """Yield a member of the ledger's group as the release before was one."""
    consumer: Any = AIOKafkaConsumer(
        *(service.topic(topic) for topic in ORDERED),
        bootstrap_servers=service.addresses.kafka,
        group_id=service.settings.ledger.group,
        partition_assignment_strategy=(RangePartitionAssignor,),
        enable_auto_commit=False,
    )
    try:
        await consumer.start()
        yield consumer
    finally:
        await consumer.stop()


async def until_joined(consumer: Any) -> None:
    async with asyncio.timeout(at_this_speed(JOIN_MAX_S)):
        while not consumer.assignment():
            await consumer.getmany(timeout_ms=100)


async def join_late(service: RunningService) -> None:
    async with a_worker_of_before(service) as late:
        await until_joined(late)


async def test_whoever_comes_second_is_refused(installed: RunningService) -> None:
    async with a_worker_of_before(installed) as before:
        await until_joined(before)

        refused = installed.new_worker("ledger")
        code = await asyncio.to_thread(installed.processes.wait, refused.name, END_MAX_S)

        assert code == 1, refused.log_end()
        assert "stop the workers of before, then start these" in refused.log_path.read_text()
        assert before.assignment(), "who was there first goes on"

    worker = await asyncio.to_thread(installed.start_worker, "ledger")
    with pytest.raises(InconsistentGroupProtocolError):
        await join_late(installed)
    assert worker.is_ready()
