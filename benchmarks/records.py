"""Records into Kafka in bulk, and how many came out: the benchmark's own eyes and hands."""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError

from benchmarks.traffic import partition_of

PARTITIONS = 12
"""As the service's topics have by default."""

FLUSH_RECORDS = 5000
"""Records after which every open batch is sent, so that the topics fill side by side."""

BATCH_BYTES = 256 * 1024


class Sender:
    """Fills topics as fast as Kafka takes it: whole batches, per partition, acknowledged."""

    def __init__(self, producer: Any) -> None:
        """Use `sender` instead."""
        self._producer = producer

    async def send(self, records: Iterable[tuple[str, str, bytes]]) -> int:
        """Send (topic, key, value) records; return how many once all are acknowledged."""
        pending: dict[tuple[str, int], list[tuple[bytes, bytes]]] = {}
        waiting = sent = 0
        for topic, key, value in records:
            name = key.encode()
            pending.setdefault((topic, partition_of(name, PARTITIONS)), []).append((name, value))
            waiting += 1
            if waiting == FLUSH_RECORDS:
                sent += await self._flush(pending)
                waiting = 0
        return sent + await self._flush(pending)

    async def _flush(self, pending: dict[tuple[str, int], list[tuple[bytes, bytes]]]) -> int:
        sends = [self._send_all(*where, records) for where, records in pending.items()]
        pending.clear()
        return sum(await asyncio.gather(*sends))

    async def _send_all(
        self, topic: str, partition: int, records: Sequence[tuple[bytes, bytes]]
    ) -> int:
        batch = self._producer.create_batch()
        for key, value in records:
            if batch.append(key=key, value=value, timestamp=None) is None:
                await (await self._producer.send_batch(batch, topic, partition=partition))
                batch = self._producer.create_batch()
                batch.append(key=key, value=value, timestamp=None)
        await (await self._producer.send_batch(batch, topic, partition=partition))
        return len(records)


class Ends:
    """Counts what stands in topics by their end offsets: nobody is asked but Kafka."""

    def __init__(self, consumer: Any, topics: Sequence[str]) -> None:
        """Use `ends` instead."""
        self._consumer = consumer
        self._topics = topics
        self._before: Mapping[str, int] = {}

    async def begin(self) -> None:
        """Count from here."""
        self._before = await self._counts()

    async def done(self) -> int:
        """Return how many records every one of the topics gained since we began to look."""
        now = await self._counts()
        return min(now[topic] - self._before[topic] for topic in self._topics)

    async def _counts(self) -> dict[str, int]:
        partitions = [TopicPartition(t, p) for t in self._topics for p in range(PARTITIONS)]
        counts = dict.fromkeys(self._topics, 0)
        for partition, end in (await self._consumer.end_offsets(partitions)).items():
            counts[partition.topic] += end
        return counts


@asynccontextmanager
async def withheld(bootstrap: str, name: str) -> AsyncGenerator[Sender]:
    """Open a connection to send by: nobody reads anything of it until it is closed, then all.

    One transaction, called *name*.
    """
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, max_batch_size=BATCH_BYTES, transactional_id=name
    )
    await producer.start()
    try:
        async with producer.transaction():
            yield Sender(producer)
    finally:
        await producer.stop()


@asynccontextmanager
async def sender(bootstrap: str) -> AsyncGenerator[Sender]:
    """Open a connection to send by."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, max_batch_size=BATCH_BYTES, acks="all")
    await producer.start()
    try:
        yield Sender(producer)
    finally:
        await producer.stop()


@asynccontextmanager
async def ends(bootstrap: str, topics: Sequence[str]) -> AsyncGenerator[Ends]:
    """Open a connection to count by, and begin to count."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
    await consumer.start()
    try:
        counted = Ends(consumer, topics)
        await counted.begin()
        yield counted
    finally:
        await consumer.stop()


async def create_topics(bootstrap: str, names: Sequence[str]) -> None:
    """Create the topics that are missing."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        with suppress(TopicAlreadyExistsError):
            await admin.create_topics([NewTopic(name, PARTITIONS, 1) for name in names])
    finally:
        await admin.close()


async def delete_topics(bootstrap: str, prefix: str) -> None:
    """Delete every topic whose name begins with *prefix*."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.delete_topics(
            [name for name in await admin.list_topics() if name.startswith(prefix)]
        )
    finally:
        await admin.close()
