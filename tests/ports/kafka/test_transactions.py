"""What is hidden of a transaction, and from whom."""

import asyncio

import pytest
from aiokafka import TopicPartition

from tests.ports.kafka.clusters import Cluster
from tests.ports.kafka.conftest import Readers
from tests.ports.kafka.readers import PATIENCE_S
from workers.consuming import reading_watch
from workers.ledger.end_offsets import EndOffsets

pytestmark = pytest.mark.asyncio


async def test_an_open_transaction_hides_what_stands_behind_it(
    cluster: Cluster, topic: str, readers: Readers
) -> None:
    await cluster.send(topic, b"before")
    transaction = await cluster.begin()
    await transaction.send(topic, b"inside")
    await cluster.send(topic, b"behind")
    reader = await readers()
    assert [record.value for record in await reader.read(1)] == [b"before"]

    await reader.poll_until(lambda: reader.consumer.high_water(topic, 0) == 3)
    assert await reader.poll() == []
    assert reader.consumer.stable_offset(topic, 0) == 1
    await transaction.commit()
    rest = await reader.read(2)

    assert [(record.offset, record.value) for record in rest] == [(1, b"inside"), (2, b"behind")]


async def test_ends_count_what_is_hidden(cluster: Cluster, topic: str) -> None:
    transaction = await cluster.begin()
    await transaction.send(topic, b"inside")
    ends, tp = EndOffsets(cluster.connection, cluster.clients), TopicPartition(topic, 0)

    open_end = (await ends.ask([tp]))[tp]
    await transaction.commit()
    async with asyncio.timeout(PATIENCE_S):
        while (end := (await ends.ask([tp]))[tp]) < 2:
            pass  # Kafka writes the marker a moment after it has said that it is committed
    await ends.stop()

    assert (open_end, end) == (1, 2)  # the marker has an offset, too


async def test_what_was_given_up_is_never_read(
    cluster: Cluster, topic: str, readers: Readers
) -> None:
    transaction = await cluster.begin()
    await transaction.send(topic, b"given up")
    await transaction.send(topic, b"this too")
    await transaction.abort()
    await cluster.send(topic, b"behind")
    reader, tp = await readers(), TopicPartition(topic, 0)

    [record] = await reader.read(1)

    assert (record.offset, record.value) == (3, b"behind")
    assert reader.consumer.cursors[tp] == 4


async def test_cursors_go_past_what_nobody_reads(
    cluster: Cluster, topic: str, readers: Readers
) -> None:
    await cluster.send(topic, b"before")
    reader, tp = await readers(), TopicPartition(topic, 0)
    await reader.read(1)
    transaction = await cluster.begin()
    await transaction.send(topic, b"given up")
    await transaction.abort()

    await reader.poll_until(lambda: reader.consumer.cursors[tp] == 3)

    assert await reader.poll() == []


async def test_what_is_hidden_is_not_missed(
    cluster: Cluster, topic: str, readers: Readers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that ended because nothing comes would end for ever while a transaction is open."""
    monkeypatch.setattr(reading_watch, "LOOK_S", 0.0)
    monkeypatch.setattr(reading_watch, "STANDSTILL_LOOKS", 4)
    transaction = await cluster.begin()
    await transaction.send(topic, b"inside")
    await cluster.send(topic, b"behind")
    reader = await readers()

    for _ in range(8):
        assert await reader.poll() == []
    await transaction.abort()
    await reader.read(1)

    assert reader.progress.failed is None
