"""P2, P3, P5: all offsets are set back to zero, as if nothing had ever been read."""

import asyncio
from collections import Counter
from typing import Any, cast

from aiokafka import AIOKafkaConsumer, TopicPartition

from contracts.topics import CREDENTIALS, ORDERED
from tests.e2e.running import PARTITIONS, RunningService
from tests.faults.running_traffic import running_traffic, started, stopped
from tests.faults.stored import read_stored

SEED = 6


async def test_everything_is_answered_again_and_nothing_else_happens(
    service: RunningService,
) -> None:
    """P2, P3, P5: also the waiting registrations are read again."""
    async with running_traffic(service, SEED) as run:
        [worker] = await started(service, 1)
        await run.send(users=60)
        await run.send(users=10, movements=1500)
        await run.books().check()
        stored = await asyncio.to_thread(read_stored, service)
        said = Counter(run.caller.inbox.answered)
        status, _ = await stopped(worker)
        assert status == 0, worker.log_end()
        settings = service.settings
        await rewind(service, settings.ledger.group, [topic.name for topic in ORDERED])
        await rewind(service, settings.identity_group, [CREDENTIALS.name])

        await started(service, 1)

        await run.books(again=1).check()
        assert await asyncio.to_thread(read_stored, service) == stored
        answered = run.caller.inbox.answered
        assert all(answered[name] > count for name, count in said.items())


async def rewind(service: RunningService, group: str, topics: list[str]) -> None:
    """Commit offset 0 for every partition of *topics*; nobody may be in the group."""
    consumer = cast(
        "Any",
        AIOKafkaConsumer(
            bootstrap_servers=service.addresses.kafka, group_id=group, enable_auto_commit=False
        ),
    )
    places = [
        TopicPartition(service.topic(topic), number)
        for topic in topics
        for number in range(PARTITIONS)
    ]
    await consumer.start()
    try:
        consumer.assign(places)
        await consumer.commit(dict.fromkeys(places, 0))
    finally:
        await consumer.stop()
