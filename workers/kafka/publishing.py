"""Records to Kafka, a whole cycle at a time, every acknowledgement awaited."""

# aiokafka annotates only a part of its interface:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import msgspec
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from client.partitioning import hash_of
from client.producer import end
from client.shared import Shared
from contracts.topics import WRITTEN_BYTES_MAX
from handlers.wire.rendering import Headers, Record
from workers.clock import utc_now
from workers.kafka.clients import AIOKAFKA, KafkaClients
from workers.kafka.metadata import know_at_once
from workers.kafka.produce_requests import ProduceRequests
from workers.kafka.record_batches import HeaderBlocks, RecordBatch, sized
from workers.monitoring.halt import Halt
from workers.monitoring.metrics import Metrics

BATCH_BYTES_MAX = 512 * 1024
"""Of one batch: half of what a topic takes at least, so that many records share one request."""

STOP_TIMEOUT_S = 5.0
"""How long a producer may take to end: an idempotent one waits for ever while Kafka is away."""

Connection: TypeAlias = Mapping[str, Any]
"""Keyword arguments that aiokafka's clients share: addresses and security."""

Place: TypeAlias = tuple[str, int]
"""A topic and the number of a partition."""


class PublishError(Exception):
    """Not everything was acknowledged; what was is unknown. Publish it all again."""


class Outgoing(msgspec.Struct, frozen=True, gc=False):
    """One record and where it goes."""

    topic: str
    key: bytes | None
    value: bytes
    headers: Headers

    @classmethod
    def of(cls, topic: str, key: bytes, record: Record) -> "Outgoing":
        """Return *record* addressed to *topic* under *key*."""
        return cls(topic, key, record.value, record.headers)


class Publisher:
    """One idempotent producer, replaced after any error.

    Who publishes beside one that failed goes on with the old one, which ends with the last of them.
    After an error nobody knows what was written, and aiokafka's producer may stay broken
    (OutOfOrderSequenceNumber) or wait for ever: a new one and the same records again are always
    safe, because readers drop what they have seen.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        deadline_ms: int,
        metrics: Metrics,
        halt: Halt | None = None,
        clients: KafkaClients = AIOKAFKA,
    ) -> None:
        self._connection = connection
        self._clients = clients
        self._deadline_s = deadline_ms / 1000
        self._metrics = metrics
        self._halt = Halt() if halt is None else halt
        self._producers = Shared(self._started, _ended, open_timeout_s=self._deadline_s)

    async def publish(self, records: Sequence[Outgoing]) -> None:
        """Write *records*, those of one partition in their order, and await each.

        Raises:
            PublishError: At least one was not acknowledged within the deadline.
        """
        if not records:
            return
        if self._halt.is_set:
            raise PublishError("this process ends")
        try:
            async with self._producers.use(self._deadline_s) as producer:
                await self._send(producer, records)
        except (KafkaError, TimeoutError) as error:
            raise PublishError(f"{type(error).__name__}: {error}") from error
        for topic, count in _counts(records):
            self._metrics.published_total.labels(topic=topic).inc(count)

    async def stop(self) -> None:
        """End the producer, and those thrown away, within a bound."""
        await self._producers.stop()

    async def _started(self) -> AIOKafkaProducer:
        producer = self._clients.producer(
            **self._connection,
            acks="all",
            enable_idempotence=True,
            max_batch_size=BATCH_BYTES_MAX,
            max_request_size=WRITTEN_BYTES_MAX,
            request_timeout_ms=round(self._deadline_s * 1000),
        )
        ProduceRequests(producer.client)
        try:
            await producer.start()
        except BaseException:
            await _ended(producer)
            raise
        return producer

    async def _send(self, producer: AIOKafkaProducer, records: Sequence[Outgoing]) -> None:
        acknowledged: list[asyncio.Future[Any]] = []
        try:
            for (topic, partition), batch in await _batches(producer, records):
                acknowledged.append(await producer.send_batch(batch, topic, partition=partition))
            done, _ = await asyncio.wait(acknowledged, return_when=asyncio.FIRST_EXCEPTION)
            for each in done:
                each.result()
        finally:
            for each in acknowledged:
                if not each.cancel() and not each.cancelled():
                    each.exception()  # of which one is enough


async def _batches(
    producer: AIOKafkaProducer, records: Sequence[Outgoing]
) -> Sequence[tuple[Place, RecordBatch]]:
    """Return *records* in batches, those of one partition in their order."""
    counts: dict[str, int] = {}
    full: list[tuple[Place, RecordBatch]] = []
    last: dict[Place, RecordBatch] = {}
    blocks = HeaderBlocks()
    now_ms = round(utc_now().timestamp() * 1000)
    before: bytes | None = None
    hashed, written = 0, sized(None)
    for record in records:
        topic, key, value, headers = (
            record.topic,
            record.key,
            record.value,
            blocks.of(record.headers),
        )
        count = counts.get(topic)
        if count is None:
            if producer.client.cluster.partitions_for_topic(topic) is None:
                know_at_once(producer.client, {each.topic for each in records})
            count = counts[topic] = len(await producer.partitions_for(topic))
        if key is not before:  # the records of one command share theirs
            before, hashed, written = key, 0 if key is None else hash_of(key), sized(key)
        place = topic, hashed % count
        batch = last.get(place)
        if batch is not None:
            if batch.append(written, value, headers):
                continue
            full.append((place, batch))
        batch = last[place] = RecordBatch(at_ms=now_ms, bytes_max=BATCH_BYTES_MAX)
        batch.append(written, value, headers)
    return [*full, *last.items()]


async def _ended(producer: AIOKafkaProducer) -> None:
    await end(producer, STOP_TIMEOUT_S)


def _counts(records: Iterable[Outgoing]) -> Iterable[tuple[str, int]]:
    counts: dict[str, int] = {}
    for record in records:
        counts[record.topic] = counts.get(record.topic, 0) + 1
    return counts.items()
