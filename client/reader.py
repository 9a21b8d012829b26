"""Reads whole topics alone: every partition, no consumer group, nothing committed."""

from collections.abc import AsyncGenerator, AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from typing import Literal, Protocol, TypeAlias, cast

from aiokafka import TopicPartition
from aiokafka.errors import ConsumerStoppedError, KafkaError

from client.kafka import Kafka, Record
from client.one_loop import OneLoop
from client.screening import ScreenedConsumer

POLL_MS = 500
"""A poll that finds nothing returns after this, so that a stopped reader is noticed."""

METADATA_AGE_MS = 10_000
"""How often the partitions are asked for: one small question, and records in a new one wait."""

RECORDS_MAX = 5_000
"""Records of one poll: enough to be quick through a backlog, small enough for memory."""

Start: TypeAlias = Literal["beginning", "end"] | Mapping[TopicPartition, int]
"""Where to begin: all that is kept, only what comes, or the next offset of each partition."""


class _Consumer(Protocol):
    """The part of aiokafka's consumer that is used here, with types."""

    async def start(self) -> None: ...
    async def stop(self) -> None: ...
    def assign(self, partitions: Collection[TopicPartition]) -> None: ...
    def seek(self, partition: TopicPartition, offset: int) -> None: ...
    async def position(self, partition: TopicPartition) -> int: ...
    async def beginning_offsets(
        self, partitions: Collection[TopicPartition]
    ) -> dict[TopicPartition, int]: ...
    async def end_offsets(
        self, partitions: Collection[TopicPartition]
    ) -> dict[TopicPartition, int]: ...
    def partitions_for_topic(self, topic: str) -> set[int] | None: ...
    async def getmany(
        self, *, timeout_ms: int, max_records: int
    ) -> dict[TopicPartition, list[Record]]: ...


class Reader:
    """An open reader; made by `open_reader`."""

    def __init__(
        self,
        consumer: _Consumer,
        beginnings: Mapping[TopicPartition, int],
        ends: Mapping[TopicPartition, int],
    ) -> None:
        self._consumer = consumer
        self.beginnings = beginnings
        """First offset that is kept of each partition; above 0 where older ones are gone."""
        self.ends = ends
        """End offset of each partition when it was opened."""
        self._to_come = dict(ends)
        self._loop = OneLoop("reader")

    async def poll(self, timeout_ms: int = POLL_MS) -> list[Record]:
        """Return the next records, in order per partition; none where nothing came in time."""
        self._loop.check()
        found = await self._consumer.getmany(timeout_ms=timeout_ms, max_records=RECORDS_MAX)
        return [record for records in found.values() for record in records]

    async def records(self) -> AsyncIterator[Record]:
        """Yield records until the reader is closed."""
        try:
            while True:
                for record in await self.poll():
                    yield record
        except ConsumerStoppedError:
            return

    async def close(self) -> None:
        """Disconnect; may be called again."""
        await self._consumer.stop()

    async def positions(self) -> dict[TopicPartition, int]:
        """Return the next offset of each partition: what `Start` takes."""
        return {partition: await self._consumer.position(partition) for partition in self.ends}

    async def ask_ends(self) -> None:
        """Ask for the end offsets anew; a poll alone does not tell that Kafka is away.

        Raises:
            KafkaError: Nobody answers.
        """
        self._to_come = await self._consumer.end_offsets([*self.ends])

    def misses_partitions(self) -> bool:
        """Return whether a topic has partitions that it had not when this was opened: read anew."""
        return any(
            TopicPartition(topic, number) not in self.ends
            for topic in {partition.topic for partition in self.ends}
            for number in self._consumer.partitions_for_topic(topic) or ()
        )

    async def caught_up(self) -> bool:
        """Return whether all that was there has been returned by `poll`.

        That is, when it was opened or at the last `ask_ends`.
        """
        for partition, end in [*self._to_come.items()]:
            if await self._consumer.position(partition) < end:
                return False
            del self._to_come[partition]
        return True


@asynccontextmanager
async def open_reader(
    kafka: Kafka, topics: Collection[str], start: Start
) -> AsyncGenerator[Reader]:
    """Open a reader at *start*; from then on nothing is missed.

    Raises:
        UnreachableError: Kafka does not answer.
        TopicMissingError: Names the topics that are not there.
    """
    partitions = await kafka.partitions(topics)
    consumer = cast(
        "_Consumer",
        ScreenedConsumer(
            **kafka.arguments(),
            enable_auto_commit=False,
            metadata_max_age_ms=METADATA_AGE_MS,
            # What retention took away is an error here, never skipped in silence.
            auto_offset_reset="none",
        ),
    )
    try:
        try:
            await consumer.start()
            consumer.assign(partitions)
            ends = await consumer.end_offsets(partitions)
            beginnings = await consumer.beginning_offsets(partitions)
        except KafkaError as error:
            raise kafka.unreachable() from error
        named = {"beginning": beginnings, "end": ends}
        offsets = named[start] if isinstance(start, str) else {**beginnings, **start}
        for partition in partitions:
            consumer.seek(partition, offsets[partition])
        yield Reader(consumer, beginnings, ends)
    finally:
        await consumer.stop()
