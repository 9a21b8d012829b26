"""Asks how far topics reach, on a connection of its own."""

# aiokafka annotates only a part of its interface:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

import asyncio
import contextlib
from collections.abc import Mapping, Sequence

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from workers.kafka.clients import AIOKAFKA, KafkaClients
from workers.kafka.metadata import know_at_once
from workers.kafka.publishing import Connection


class EndOffsets:
    """A consumer that never consumes.

    A broker answers one request of a connection after the other, and the ledger's own consumer
    has a fetch waiting there nearly always: behind it every question would wait as long.
    """

    def __init__(self, connection: Connection, clients: KafkaClients = AIOKAFKA) -> None:
        self._connection = connection
        self._clients = clients
        self._consumer: AIOKafkaConsumer | None = None
        self._opening = asyncio.Lock()

    async def ask(self, places: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]:
        """Return the offsets that the next records will have, behind open transactions too.

        Raises:
            KafkaError: Kafka does not answer.
        """
        consumer = await self._opened()
        know_at_once(consumer._client, {place.topic for place in places})  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
        try:
            ends: Mapping[TopicPartition, int] = await consumer.end_offsets(list(places))
        except BaseException:
            await self.stop()
            raise
        return ends

    async def stop(self) -> None:
        """Close the connection; the next question opens another."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            with contextlib.suppress(KafkaError):
                await consumer.stop()

    async def _opened(self) -> AIOKafkaConsumer:
        async with self._opening:
            if self._consumer is None:
                # Unlike the ledger's own: a record that was acknowledged behind somebody else's
                # open transaction cannot be read yet, but was sent before what asks here (P1).
                consumer = self._clients.consumer(
                    **self._connection, isolation_level="read_uncommitted"
                )
                try:
                    await consumer.start()
                except BaseException:
                    await consumer.stop()
                    raise
                self._consumer = consumer
            return self._consumer
