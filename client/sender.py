"""Sends records with Kafka's acknowledgement from all replicas, within a deadline."""

import asyncio
from collections.abc import Sequence
from typing import Protocol, cast

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, TopicAuthorizationFailedError

from client.errors import NotAcknowledgedError, NotSentError
from client.kafka import Kafka
from client.questions import Asked, content_of

SEND_TIMEOUT_S = 10.0
"""Longest wait for Kafka's acknowledgement: the producer itself would try for ever."""

STOP_TIMEOUT_S = 2.0
"""Longest wait for a producer to close: without Kafka it would wait for ever."""


class _Producer(Protocol):
    """The part of aiokafka's producer that is used here, with types."""

    async def start(self) -> None: ...
    async def stop(self) -> None: ...
    async def send_and_wait(
        self, topic: str, value: bytes, key: bytes, *, headers: Sequence[tuple[str, bytes]]
    ) -> object: ...


class Sender:
    """One idempotent producer, replaced after an error because it may stay broken."""

    def __init__(self, kafka: Kafka) -> None:
        self._kafka = kafka
        self._producer: _Producer | None = None
        self._opening = asyncio.Lock()
        self._closing: set[asyncio.Task[None]] = set()

    async def send(self, topic: str, asked: Asked, headers: Sequence[tuple[str, bytes]]) -> None:
        """Send *asked*, keyed by its user, and wait until all in-sync replicas have it.

        Raises:
            UnreachableError: Kafka does not answer; nothing was sent.
            NotSentError: Kafka refused it for good.
            NotAcknowledgedError: Nobody can say whether Kafka has it.
        """
        producer = await self._connected()
        value, key = content_of(asked), asked.username.encode()
        try:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                await producer.send_and_wait(topic, value, key, headers=headers)
        except (MessageSizeTooLargeError, TopicAuthorizationFailedError) as error:
            raise NotSentError(f"{topic} does not take this record: {error}") from error
        except (KafkaError, TimeoutError) as error:
            self._discard(producer)
            raise NotAcknowledgedError(asked, "no acknowledgement from Kafka") from error
        except asyncio.CancelledError:
            # Else it could still go out long after its sender gave up.
            self._discard(producer)
            raise

    async def close(self) -> None:
        """Close the connection; bounded."""
        if self._producer is not None:
            self._discard(self._producer)
        await asyncio.gather(*self._closing)

    async def _connected(self) -> _Producer:
        async with self._opening:
            if self._producer is None:
                self._producer = await self._started()
            return self._producer

    async def _started(self) -> _Producer:
        # The default partitioner is Java's murmur2: all of a user's commands in one partition.
        producer = cast(
            "_Producer", AIOKafkaProducer(**self._kafka.arguments(), enable_idempotence=True)
        )
        try:
            await producer.start()
        except BaseException as error:
            await producer.stop()
            if isinstance(error, KafkaError):
                raise self._kafka.unreachable() from error
            raise
        return producer

    def _discard(self, producer: _Producer) -> None:
        if self._producer is producer:
            self._producer = None
            task = asyncio.create_task(_stop(producer))
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)


async def _stop(producer: _Producer) -> None:
    try:
        async with asyncio.timeout(STOP_TIMEOUT_S):
            await producer.stop()
    except (TimeoutError, KafkaError):
        return
