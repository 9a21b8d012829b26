"""A producer that is thrown away ends, also while Kafka is away (P12)."""

# aiokafka annotates only a part of its interface:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

import asyncio
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition

from workers import publishing
from workers.metrics import Metrics
from workers.publishing import Outgoing, Publisher, PublishError


class EndlessSender:
    """Tries again and again, as aiokafka's does with an idempotent producer."""

    def __init__(self) -> None:
        self.sender_task = asyncio.create_task(asyncio.sleep(3600))

    async def close(self) -> None:
        self.sender_task.cancel()


class StuckProducer(AIOKafkaProducer):
    """aiokafka's own producer: it takes batches, and no broker ever acknowledges one."""

    senders: list[EndlessSender]

    async def start(self) -> None:
        self._sender = EndlessSender()
        self.senders.append(self._sender)

    async def partitions_for(self, topic: str) -> set[int]:
        del topic
        return {0}

    async def send_batch(self, batch: Any, topic: str, *, partition: int) -> asyncio.Future[Any]:
        place = TopicPartition(topic, partition)
        return await self._message_accumulator.add_batch(batch, place, 1)


async def test_a_producer_thrown_away_while_kafka_is_away_stops_trying(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    senders: list[EndlessSender] = []
    monkeypatch.setattr(StuckProducer, "senders", senders, raising=False)
    monkeypatch.setattr(publishing, "AIOKafkaProducer", StuckProducer)
    monkeypatch.setattr(publishing, "STOP_TIMEOUT_S", 0.05)
    publisher = Publisher({"bootstrap_servers": "127.0.0.1:1"}, deadline_ms=50, metrics=Metrics())

    with pytest.raises(PublishError):
        await publisher.publish([Outgoing("events", b"alice", b"{}", [])])
    await publisher.stop()
    await asyncio.sleep(0)

    assert [sender.sender_task.cancelled() for sender in senders] == [True]
