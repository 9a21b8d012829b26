"""Sends records with Kafka's acknowledgement from all replicas, within a deadline."""

import asyncio
from collections.abc import Awaitable, Sequence
from typing import Any, Protocol, cast

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, TopicAuthorizationFailedError

from client.errors import NotAcknowledgedError, NotSentError, UnreachableError
from client.kafka import Kafka
from client.producer import end
from client.questions import Asked, content_of
from client.shared import Shared

SEND_TIMEOUT_S = 10.0
"""Longest wait for Kafka's acknowledgement: the producer itself would try for ever."""

STOP_TIMEOUT_S = 2.0
"""Longest wait for a producer to close: without Kafka it would wait for ever."""


class _Producer(Protocol):
    """The part of aiokafka's producer that is used here, with types."""

    async def start(self) -> None: ...
    async def stop(self) -> None: ...
    async def send(
        self, topic: str, value: bytes, key: bytes, *, headers: Sequence[tuple[str, bytes]]
    ) -> Awaitable[object]: ...


class Sender:
    """One idempotent producer for all who send. A call that gives up ends no other's."""

    def __init__(self, kafka: Kafka) -> None:
        self._kafka = kafka
        self._producers = Shared(self._started, _ended, open_timeout_s=SEND_TIMEOUT_S)
        self._deliveries: set[asyncio.Task[None]] = set()

    async def send(self, topic: str, asked: Asked, headers: Sequence[tuple[str, bytes]]) -> None:
        """Send *asked*, keyed by its user, and wait until all in-sync replicas have it.

        Cancelled, it is not sent if the producer has not taken it yet; else it still goes out.

        Raises:
            UnreachableError: Kafka does not answer; nothing was sent.
            NotSentError: Kafka refused it for good.
            NotAcknowledgedError: Nobody can say whether Kafka has it.
        """
        taken = asyncio.Event()
        delivery = asyncio.create_task(self._deliver(topic, asked, headers, taken))
        self._deliveries.add(delivery)
        delivery.add_done_callback(self._delivered)
        try:
            await asyncio.wait([delivery])
        except asyncio.CancelledError:
            if not taken.is_set():
                delivery.cancel()
            raise
        if delivery.cancelled():
            raise NotAcknowledgedError(asked, "the client was closed before an acknowledgement")
        delivery.result()

    async def close(self) -> None:
        """Close the connection; bounded."""
        await self._producers.stop()
        for delivery in self._deliveries:
            delivery.cancel()

    async def _deliver(
        self,
        topic: str,
        asked: Asked,
        headers: Sequence[tuple[str, bytes]],
        taken: asyncio.Event,
    ) -> None:
        value, key = content_of(asked), asked.username.encode()
        try:
            async with self._producers.use(SEND_TIMEOUT_S) as producer:
                try:
                    acknowledged = await producer.send(topic, value, key, headers=headers)
                    taken.set()
                    await acknowledged
                except (MessageSizeTooLargeError, TopicAuthorizationFailedError) as error:
                    raise NotSentError(f"{topic} does not take this record: {error}") from error
        except (KafkaError, TimeoutError) as error:
            if taken.is_set():
                raise NotAcknowledgedError(asked, "no acknowledgement from Kafka") from error
            if isinstance(error, KafkaError):
                raise self._kafka.unreachable() from error
            raise UnreachableError(
                f"{topic} at {self._kafka.bootstrap} cannot be written to within "
                f"{SEND_TIMEOUT_S:g} s; nothing was sent; check that Kafka runs, and that the "
                "topic is there (`accounts topics apply`)"
            ) from error

    def _delivered(self, delivery: asyncio.Task[None]) -> None:
        self._deliveries.discard(delivery)
        if not delivery.cancelled():
            delivery.exception()  # Whether or not anybody still waits for it.

    async def _started(self) -> _Producer:
        # The default partitioner is Java's murmur2: all of a user's commands in one partition.
        producer = AIOKafkaProducer(**self._kafka.arguments(), enable_idempotence=True)
        try:
            await producer.start()
        except BaseException:
            await producer.stop()
            raise
        return cast("_Producer", producer)


async def _ended(producer: _Producer) -> None:
    await end(cast("Any", producer), STOP_TIMEOUT_S)
