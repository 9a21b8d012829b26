"""What Kafka holds while nothing comes stands in nobody's way (P10): here it would be held for ever."""

# aiokafka annotates only a part of its interface:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from aiokafka import TopicPartition

from contracts.topics import DEPOSIT
from tests.devstack.waiting import eventually
from tests.e2e.caller import open_producer
from tests.e2e.running import RunningService
from workers.consuming import pace
from workers.consuming.gathering_consumer import GatheringConsumer
from workers.consuming.hooks import Hooks
from workers.monitoring.progress import Progress

FOR_EVER_MS = 3_600_000
PATIENCE_S = 60


class Reader(GatheringConsumer):
    """Reads two partitions from their ends, without a group."""

    def __init__(self, service: RunningService) -> None:
        super().__init__(
            hooks=Hooks(_nothing, _nothing, Progress("ledger")),
            bootstrap_servers=service.addresses.kafka,
            request_timeout_ms=2 * FOR_EVER_MS,
            fetch_max_wait_ms=FOR_EVER_MS,  # of the first, which is asked before any poll
            auto_offset_reset="latest",
        )
        topic = service.topic(DEPOSIT)
        self.here, self.there = TopicPartition(topic, 0), TopicPartition(topic, 1)

    async def read(self) -> list[bytes]:
        """Return the next records, once some come."""
        async with asyncio.timeout(PATIENCE_S):
            while not (found := await self.gathered(100, None)):
                pass
        return [record.value or b"" for batch in found.values() for record in batch]

    async def held(self) -> None:
        """Return once Kafka holds a fetch for ever."""
        async with asyncio.timeout(PATIENCE_S):
            while not self.holding():
                await self.gathered(10, None)

    def holding(self) -> bool:
        """Return whether Kafka does."""
        return bool(self._fetches.held)

    async def waits_without(self, place: TopicPartition) -> None:
        """Return once a record of *place* waits, and a fetch without that place is held."""
        await eventually(lambda: place in self._unread() and self.holding())


async def _nothing() -> None:
    pass


@pytest_asyncio.fixture
async def reader(
    installed: RunningService, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Reader]:
    monkeypatch.setattr(pace, "QUIET_S", 0.0)
    monkeypatch.setattr(pace, "FETCH_WAIT_QUIET_MS", FOR_EVER_MS)
    reader = Reader(installed)
    reader.assign([reader.here, reader.there])
    await reader.start()
    try:
        await reader.held()
        yield reader
    finally:
        await reader.stop()


@pytest_asyncio.fixture
async def producer(installed: RunningService) -> AsyncIterator[Any]:
    async with open_producer(installed) as producer:
        yield producer


async def test_what_comes_is_read_at_once(reader: Reader, producer: Any) -> None:
    await producer.send_and_wait(reader.here.topic, b"first", partition=0)

    assert await reader.read() == [b"first"]


async def test_kafka_answers_other_questions(reader: Reader) -> None:
    async with asyncio.timeout(PATIENCE_S):
        await reader.end_offsets([reader.here])

    assert reader.holding()


async def test_a_partition_is_read_where_it_is_sought(reader: Reader, producer: Any) -> None:
    sent = await producer.send_and_wait(reader.here.topic, b"again", partition=0)
    assert await reader.read() == [b"again"]
    await reader.held()

    reader.seek(reader.here, sent.offset)

    assert await reader.read() == [b"again"]


async def test_a_partition_is_read_once_it_is_resumed(reader: Reader, producer: Any) -> None:
    reader.pause(reader.here)
    await producer.send_and_wait(reader.there.topic, b"there", partition=1)
    assert await reader.read() == [b"there"]
    await reader.held()
    await producer.send_and_wait(reader.here.topic, b"here", partition=0)

    reader.resume(reader.here)

    assert await reader.read() == [b"here"]


async def test_a_partition_that_had_records_waiting_is_read_on(
    reader: Reader, producer: Any
) -> None:
    await producer.send_and_wait(reader.here.topic, b"first", partition=0)
    await reader.waits_without(reader.here)
    await producer.send_and_wait(reader.here.topic, b"second", partition=0)

    assert await reader.read() == [b"first"]
    assert await reader.read() == [b"second"]
