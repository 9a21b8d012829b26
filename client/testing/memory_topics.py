"""Kafka's topics in memory: one partition each, and each is there once somebody names it."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.errors import ConsumerStoppedError, OffsetOutOfRangeError

from client.kafka import Record
from client.many import Headers
from client.reader import Reader, Start
from client.topics_now import TopicNow


class MemoryTopics:
    """All records of all topics, for ever."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._records: defaultdict[str, list[Record]] = defaultdict(list)
        self._waiting: set[asyncio.Future[None]] = set()

    def append(
        self, topic: str, key: bytes | None, value: bytes, headers: Headers
    ) -> ConsumerRecord[Any, Any]:
        """Add a record, and wake up who waits for one."""
        record: ConsumerRecord[Any, Any] = ConsumerRecord(
            topic=topic,
            partition=0,
            offset=self.end(topic),
            timestamp=int(self._clock().timestamp() * 1000),
            timestamp_type=1,
            key=key or b"",
            value=value,
            checksum=None,
            serialized_key_size=len(key or b""),
            serialized_value_size=len(value),
            headers=tuple(headers),
        )
        self._records[topic].append(record)
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_result(None)
        return record

    def end(self, topic: str) -> int:
        """Return the offset that the next record will have."""
        return len(self._records[topic])

    def read(self, topic: str, start: int, count_max: int) -> Sequence[Record]:
        """Return the records from *start* on."""
        return self._records[topic][start : start + count_max]

    async def grown(self, timeout_s: float) -> None:
        """Return when a record is added, or when the time is over."""
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.add(waiting)
        try:
            await asyncio.wait([waiting], timeout=timeout_s)
        finally:
            self._waiting.discard(waiting)

    @asynccontextmanager
    async def open_reader(self, topics: Collection[str], start: Start) -> AsyncGenerator[Reader]:
        """Open a reader as `client.reader.open_reader` does."""
        consumer = _MemoryConsumer(self)
        partitions = [TopicPartition(topic, 0) for topic in topics]
        consumer.assign(partitions)
        beginnings = await consumer.beginning_offsets(partitions)
        ends = await consumer.end_offsets(partitions)
        named = {"beginning": beginnings, "end": ends}
        offsets = named[start] if isinstance(start, str) else {**beginnings, **start}
        for partition in partitions:
            consumer.seek(partition, offsets[partition])
        reader = _MemoryReader(consumer, beginnings, ends, dict.fromkeys(topics, _AS_EVER))
        try:
            yield reader
        finally:
            await reader.close()


_AS_EVER = TopicNow("in memory", 1)


class _MemoryReader(Reader):
    """Reads topics that stay what they are."""

    async def _ask_topics(self) -> Mapping[str, TopicNow]:
        return self._topics


class _MemoryConsumer:
    """What a reader needs of aiokafka's consumer."""

    def __init__(self, topics: MemoryTopics) -> None:
        self._topics = topics
        self._positions: dict[TopicPartition, int] = {}
        self._stopped = False

    async def start(self) -> None:
        """Connect to nothing."""

    async def stop(self) -> None:
        """Have whoever polls end."""
        self._stopped = True

    def assign(self, partitions: Collection[TopicPartition]) -> None:
        """Read these from now on."""
        self._positions = {each: self._positions.get(each, 0) for each in partitions}

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """Read on from *offset*."""
        self._positions[partition] = offset

    async def position(self, partition: TopicPartition) -> int:
        """Return the next offset to read."""
        return self._positions[partition]

    async def beginning_offsets(
        self, partitions: Collection[TopicPartition]
    ) -> dict[TopicPartition, int]:
        """Return the first offsets."""
        return dict.fromkeys(partitions, 0)

    async def end_offsets(
        self, partitions: Collection[TopicPartition]
    ) -> dict[TopicPartition, int]:
        """Return where each ends now."""
        return {each: self._topics.end(each.topic) for each in partitions}

    def pause(self, *partitions: TopicPartition) -> None:
        """Do nothing: no partition is ever added."""

    def resume(self, *partitions: TopicPartition) -> None:
        """Do nothing, as `pause`."""

    async def getmany(
        self, *, timeout_ms: int, max_records: int
    ) -> dict[TopicPartition, list[Record]]:
        """Return what is there, waiting for it a while."""
        found = self._taken(max_records)
        if not found and not self._stopped:
            await self._topics.grown(timeout_ms / 1000)
            found = self._taken(max_records)
        if self._stopped:
            raise ConsumerStoppedError
        return found

    def _taken(self, max_records: int) -> dict[TopicPartition, list[Record]]:
        found: dict[TopicPartition, list[Record]] = {}
        for partition, offset in self._positions.items():
            if offset > self._topics.end(partition.topic):
                raise OffsetOutOfRangeError({partition: offset})
            if records := self._topics.read(partition.topic, offset, max_records):
                found[partition] = [*records]
                self._positions[partition] = offset + len(records)
        return found
