"""Reads whole topics alone: every partition, no consumer group, nothing committed."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from heapq import merge
from typing import Literal, Protocol, TypeAlias, cast

from aiokafka import TopicPartition
from aiokafka.errors import ConsumerStoppedError, KafkaError, OffsetOutOfRangeError

from client.errors import TopicReplacedError
from client.kafka import Kafka, Record
from client.one_loop import OneLoop
from client.screening import ScreenedConsumer
from client.topics_now import TopicNow, topics_now

POLL_MS = 500
"""A poll that finds nothing returns after this, so that a stopped reader is noticed."""

LOOK_S = 3.0
"""How often the topics are asked for: one small question, and records in a new partition wait."""

RECORDS_MAX = 5_000
"""Records of one poll: enough to be quick through a backlog, small enough for memory."""

Start: TypeAlias = Literal["beginning", "end"] | Mapping[TopicPartition, int]
"""Where to begin: all that is kept, only what comes, or the next offset of each partition."""


class _KafkaConsumer(Protocol):
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
    def pause(self, *partitions: TopicPartition) -> None: ...
    def resume(self, *partitions: TopicPartition) -> None: ...
    async def getmany(
        self, *, timeout_ms: int, max_records: int
    ) -> dict[TopicPartition, list[Record]]: ...


class Reader:
    """An open reader; made by `open_reader`.

    Partitions that are added meanwhile are read from their beginning, once all is read that stood
    in the others when they were noticed: what is sent later comes later.
    """

    def __init__(
        self,
        consumer: _KafkaConsumer,
        beginnings: Mapping[TopicPartition, int],
        ends: Mapping[TopicPartition, int],
        topics: Mapping[str, TopicNow],
    ) -> None:
        self._consumer = consumer
        self.beginnings = beginnings
        """First offset that is kept of each partition; above 0 where older ones are gone."""
        self.ends = ends
        """End offset of each partition when it was opened; 0 of those that were added."""
        self._to_come = dict(ends)
        self._loop = OneLoop("reader")
        self._topics = topics
        self._look_at_s = asyncio.get_running_loop().time() + LOOK_S
        self._looking: asyncio.Task[Mapping[str, TopicNow] | None] | None = None
        self._added: list[TopicPartition] = []
        """Partitions that are not read yet."""
        self._before_added: Mapping[TopicPartition, int] = {}
        """Up to where the others are read before them."""

    async def poll(self, timeout_ms: int = POLL_MS) -> list[Record]:
        """Return the next records, in order per partition; none where nothing came in time.

        Raises:
            TopicReplacedError: The topic is another one by now.
            ConsumerStoppedError: The reader was closed.
        """
        self._loop.check()
        await self._keep_up()
        try:
            found = await self._consumer.getmany(timeout_ms=timeout_ms, max_records=RECORDS_MAX)
        except OffsetOutOfRangeError:
            await self._take_in(await self._ask_topics())
            raise  # The same topic: what was to be read next is gone.
        # Of several partitions by time: what was sent later comes later, as far as that can tell.
        return [*merge(*found.values(), key=lambda record: record.timestamp)]

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
        if self._looking is not None:
            self._looking.cancel()
        await self._consumer.stop()

    async def positions(self) -> dict[TopicPartition, int]:
        """Return the next offset of each partition: what `Start` takes."""
        return {partition: await self._consumer.position(partition) for partition in self.ends}

    async def fetch_end_offsets(self) -> None:
        """Ask for the end offsets anew; a poll alone does not tell that Kafka is away.

        Raises:
            KafkaError: Nobody answers.
        """
        self._to_come = await self._consumer.end_offsets([*self.ends])

    async def ends_now(self) -> Mapping[TopicPartition, int]:
        """Return how far each partition reaches now, those included that were just added.

        Raises:
            KafkaError: Nobody answers.
            TopicReplacedError: The topic is another one by now.
        """
        await self._take_in(await self._ask_topics())
        return await self._consumer.end_offsets([*self.ends])

    async def has_passed(self, ends: Mapping[TopicPartition, int]) -> bool:
        """Return whether all before *ends* has been returned by `poll`."""
        for partition, end in ends.items():
            if await self._consumer.position(partition) < end:
                return False
        return True

    async def caught_up(self) -> bool:
        """Return whether all that was there has been returned by `poll`.

        That is, when it was opened or at the last `fetch_end_offsets`.
        """
        for partition, end in [*self._to_come.items()]:
            if await self._consumer.position(partition) < end:
                return False
            del self._to_come[partition]
        return True

    async def _keep_up(self) -> None:
        """Take in what became of the topics; Kafka is asked beside the reading."""
        if self._added and await self.has_passed(self._before_added):
            self._consumer.resume(*self._added)
            self._added = []
        loop = asyncio.get_running_loop()
        if self._looking is None:
            if loop.time() >= self._look_at_s:
                self._looking = loop.create_task(self._look())
        elif self._looking.done():
            looking, self._looking = self._looking, None
            self._look_at_s = loop.time() + LOOK_S
            if (now := looking.result()) is not None:
                await self._take_in(now)

    async def _look(self) -> Mapping[str, TopicNow] | None:
        """Return the topics as they are, or nothing while Kafka is away: reading goes on later."""
        try:
            return await self._ask_topics()
        except KafkaError:
            return None

    async def _ask_topics(self) -> Mapping[str, TopicNow]:
        return await topics_now(self._consumer, self._topics.keys())

    async def _take_in(self, now: Mapping[str, TopicNow]) -> None:
        for name, topic in now.items():
            if topic.topic_id != self._topics[name].topic_id:
                raise TopicReplacedError(name)
        added = [
            TopicPartition(name, number)
            for name, topic in now.items()
            for number in range(topic.partitions)
            if TopicPartition(name, number) not in self.ends
        ]
        if added:
            await self._add(added)

    async def _add(self, added: Collection[TopicPartition]) -> None:
        positions = await self.positions()
        try:
            before = await self._consumer.end_offsets([*positions])
        except KafkaError:
            return  # Kafka is away: they are still there at the next look.
        offsets = {**positions, **dict.fromkeys(added, 0)}
        self._consumer.assign([*offsets])
        for partition, offset in offsets.items():
            self._consumer.seek(partition, offset)
        self._added += added
        self._consumer.pause(*self._added)
        self._before_added = before
        self.beginnings = {**self.beginnings, **dict.fromkeys(added, 0)}
        self.ends = {**self.ends, **dict.fromkeys(added, 0)}


OpenReader: TypeAlias = Callable[[Collection[str], Start], AbstractAsyncContextManager[Reader]]
"""Opens a reader of some topics: `open_reader` of one Kafka."""


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
    reader = None
    consumer = cast(
        "_KafkaConsumer",
        ScreenedConsumer(
            **kafka.arguments(),
            enable_auto_commit=False,
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
            now = await topics_now(consumer, topics)
        except KafkaError as error:
            raise kafka.unreachable() from error
        named = {"beginning": beginnings, "end": ends}
        offsets = named[start] if isinstance(start, str) else {**beginnings, **start}
        for partition in partitions:
            consumer.seek(partition, offsets[partition])
        reader = Reader(consumer, beginnings, ends, now)
        yield reader
    finally:
        await (consumer.stop() if reader is None else reader.close())
