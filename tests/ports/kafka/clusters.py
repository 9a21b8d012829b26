"""What the suite does to a cluster from outside, to the real one and to the one in memory."""

# aiokafka annotates only a part of its interface:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol, cast
from uuid import uuid4

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from aiokafka.admin.records_to_delete import RecordsToDelete

from client.topics_now import topics_now
from tests.simulation.kafka.clients import simulated_clients
from tests.simulation.kafka.cluster import SimulatedKafka, Transaction
from tests.simulation.kafka.consumer import SimulatedCursorConsumer
from workers.consuming.consumer import CursorConsumer
from workers.kafka.clients import AIOKAFKA, KafkaClients

CONFIG = {"message.timestamp.type": "LogAppendTime"}
TIMEOUT_MS = 1000
"""Of questions about what is not there, which the client asks again and again."""


class OpenTransaction(Protocol):
    async def send(self, topic: str, value: bytes) -> int: ...
    async def commit(self) -> None: ...
    async def abort(self) -> None: ...


class Cluster(Protocol):
    clients: KafkaClients
    connection: Mapping[str, Any]
    session_timeout_ms: int

    async def create(self, topic: str, partitions: int = 1) -> None: ...
    async def delete(self, topic: str) -> None: ...
    async def add_partitions(self, topic: str, total: int) -> None: ...
    async def trim(self, topic: str, start: int) -> None: ...
    async def send(
        self,
        topic: str,
        value: bytes,
        *,
        partition: int = 0,
        headers: list[tuple[str, bytes]] | None = None,
    ) -> int: ...
    async def begin(self) -> OpenTransaction: ...
    def consumer(self, **settings: Any) -> CursorConsumer: ...
    async def close(self) -> None: ...


@dataclass
class MemoryCluster:
    """The one in memory."""

    kafka: SimulatedKafka
    clients: KafkaClients = field(init=False)
    connection: Mapping[str, Any] = field(
        default_factory=lambda: {"request_timeout_ms": TIMEOUT_MS}
    )
    session_timeout_ms: int = 1000

    def __post_init__(self) -> None:
        self.clients = simulated_clients(self.kafka)

    async def create(self, topic: str, partitions: int = 1) -> None:
        self.kafka.create_topic(topic, partitions, CONFIG)

    async def delete(self, topic: str) -> None:
        self.kafka.delete_topic(topic)

    async def add_partitions(self, topic: str, total: int) -> None:
        self.kafka.add_partitions(topic, total)

    async def trim(self, topic: str, start: int) -> None:
        self.kafka.log(topic, 0).trim(start)

    async def send(
        self,
        topic: str,
        value: bytes,
        *,
        partition: int = 0,
        headers: list[tuple[str, bytes]] | None = None,
    ) -> int:
        return self.kafka.append(topic, b"key", value, headers or (), partition=partition)[1]

    async def begin(self) -> OpenTransaction:
        return MemoryTransaction(self.kafka.transaction())

    def consumer(self, **settings: Any) -> CursorConsumer:
        return SimulatedCursorConsumer(kafka=self.kafka, **settings)

    async def close(self) -> None:
        pass


@dataclass
class MemoryTransaction:
    sending: Transaction

    async def send(self, topic: str, value: bytes) -> int:
        return self.sending.append(topic, b"key", value)[1]

    async def commit(self) -> None:
        self.sending.commit()

    async def abort(self) -> None:
        self.sending.abort()


@dataclass
class RealCluster:
    """The stack's."""

    bootstrap: str
    clients: KafkaClients = AIOKAFKA
    connection: Mapping[str, Any] = field(init=False)
    session_timeout_ms: int = 6000  # the least that a broker takes
    _producers: list[AIOKafkaProducer] = field(default_factory=list[AIOKafkaProducer])

    def __post_init__(self) -> None:
        self.connection = {
            "bootstrap_servers": self.bootstrap,
            "request_timeout_ms": TIMEOUT_MS,
        }

    async def create(self, topic: str, partitions: int = 1) -> None:
        new = NewTopic(topic, partitions, 1, topic_configs=CONFIG)
        async with self._admin() as admin:
            while cast("Any", await admin.create_topics([new])).topic_errors[0][1]:  # noqa: ASYNC110
                await asyncio.sleep(0.05)  # one of this name is being deleted
            await self._until_it_is_there(admin, topic, partitions)

    @asynccontextmanager
    async def _admin(self) -> AsyncGenerator[AIOKafkaAdminClient]:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap)
        await admin.start()
        try:
            yield admin
        finally:
            await admin.close()

    async def _until_it_is_there(
        self, admin: AIOKafkaAdminClient, topic: str, partitions: int
    ) -> None:
        async def there() -> int:
            now = (await topics_now(admin, [topic])).get(topic)
            return now.partitions if now else 0

        while await there() != partitions:  # noqa: ASYNC110 - Kafka tells nobody
            await asyncio.sleep(0.02)

    async def delete(self, topic: str) -> None:
        async with self._admin() as admin:
            await admin.delete_topics([topic])
            await self._until_it_is_there(admin, topic, 0)

    async def add_partitions(self, topic: str, total: int) -> None:
        async with self._admin() as admin:
            await admin.create_partitions({topic: NewPartitions(total)})
            await self._until_it_is_there(admin, topic, total)

    async def trim(self, topic: str, start: int) -> None:
        async with self._admin() as admin:
            place = TopicPartition(topic, 0)
            await admin.delete_records({place: RecordsToDelete(before_offset=start)})

    async def _producer(self, **settings: Any) -> AIOKafkaProducer:
        producer = AIOKafkaProducer(bootstrap_servers=self.bootstrap, **settings)
        self._producers.append(producer)
        await producer.start()
        return producer

    async def send(
        self,
        topic: str,
        value: bytes,
        *,
        partition: int = 0,
        headers: list[tuple[str, bytes]] | None = None,
    ) -> int:
        if not self._producers:
            await self._producer()
        sent = await self._producers[0].send_and_wait(
            topic, value, b"key", partition=partition, headers=headers
        )
        return sent.offset

    async def begin(self) -> OpenTransaction:
        if not self._producers:
            await self._producer()
        producer = await self._producer(transactional_id=f"suite-{uuid4().hex}")
        await producer.begin_transaction()
        return RealTransaction(producer)

    def consumer(self, **settings: Any) -> CursorConsumer:
        return CursorConsumer(**settings)

    async def close(self) -> None:
        for producer in self._producers:
            await producer.stop()


@dataclass
class RealTransaction:
    producer: AIOKafkaProducer

    async def send(self, topic: str, value: bytes) -> int:
        return (await self.producer.send_and_wait(topic, value, b"key", partition=0)).offset

    async def commit(self) -> None:
        await self.producer.commit_transaction()

    async def abort(self) -> None:
        await self.producer.abort_transaction()
