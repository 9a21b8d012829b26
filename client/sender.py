"""Sends records with Kafka's acknowledgement from all replicas, within a deadline."""

import asyncio
from collections.abc import Awaitable, Sequence
from typing import Any, Protocol, cast

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from client.errors import (
    AccountsClientError,
    NotAcknowledgedError,
    NotSentError,
    UnreachableError,
)
from client.kafka import Kafka
from client.producer import end
from client.questions import Asked, content_of
from client.shared import Shared
from client.wave import FOR_GOOD, BatchProducer, Wave
from contracts.commands import AnyCommand

SEND_TIMEOUT_S = 10.0
"""Longest wait for Kafka's acknowledgement: the producer itself would try for ever."""

BATCH_BYTES_MAX = 512 * 1024
"""Of one batch: half of what a topic takes at least, so that many commands share one request."""

STOP_TIMEOUT_S = 2.0
"""Longest wait for a producer to close: without Kafka it would wait for ever."""


class _Producer(BatchProducer, Protocol):
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

    async def send_wave(
        self,
        topics: Sequence[str],
        commands: Sequence[AnyCommand],
        headers: Sequence[tuple[str, bytes]],
    ) -> Sequence[AccountsClientError | None]:
        """Send each of *commands* to its topic, in batches; return what became of each.

        Of one user and one topic they stay in their order, also behind what `send` was given before.
        """
        wave = Wave(topics, commands, headers)
        unsent: AccountsClientError = self._kafka.unreachable()
        try:
            async with self._producers.use(SEND_TIMEOUT_S) as producer:
                await wave.send(producer)
        except TimeoutError:
            unsent = self._not_writable(topics[0])
        except KafkaError:
            pass
        return wave.outcomes(unsent)

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
                except FOR_GOOD as error:
                    raise NotSentError(f"{topic} does not take this record: {error}") from error
        except (KafkaError, TimeoutError) as error:
            if taken.is_set():
                raise NotAcknowledgedError(asked, "no acknowledgement from Kafka") from error
            if isinstance(error, KafkaError):
                raise self._kafka.unreachable() from error
            raise self._not_writable(topic) from error

    def _not_writable(self, topic: str) -> UnreachableError:
        return UnreachableError(
            f"{topic} at {self._kafka.bootstrap} cannot be written to within {SEND_TIMEOUT_S:g} s; "
            "nothing was sent; check that Kafka runs, and that the topic is there (`accounts topics "
            "apply`)"
        )

    def _delivered(self, delivery: asyncio.Task[None]) -> None:
        self._deliveries.discard(delivery)
        if not delivery.cancelled():
            delivery.exception()  # Whether or not anybody still waits for it.

    async def _started(self) -> _Producer:
        # The default partitioner is Java's murmur2: all of a user's commands in one partition.
        producer = AIOKafkaProducer(
            **self._kafka.arguments(), enable_idempotence=True, max_batch_size=BATCH_BYTES_MAX
        )
        try:
            await producer.start()
        except BaseException:
            await producer.stop()
            raise
        return cast("_Producer", producer)


async def _ended(producer: _Producer) -> None:
    await end(cast("Any", producer), STOP_TIMEOUT_S)
