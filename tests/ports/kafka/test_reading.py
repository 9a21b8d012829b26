"""How records come to one member of a group."""

# aiokafka annotates only a part of its interface:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

import pytest
from aiokafka import TopicPartition

from tests.ports.kafka.clusters import Cluster
from tests.ports.kafka.conftest import Readers

pytestmark = pytest.mark.asyncio


async def test_records_come_in_their_order_with_all_that_was_sent(
    cluster: Cluster, topic: str, readers: Readers
) -> None:
    await cluster.send(topic, b"0", headers=[("name", b"\xff")])
    await cluster.send(topic, b"1")

    first, second = await (await readers()).read(2)

    assert (first.key, first.value, first.headers) == (b"key", b"0", (("name", b"\xff"),))
    assert [(first.offset, second.offset)] == [(0, 1)]
    assert second.value == b"1"
    assert second.timestamp >= first.timestamp
    assert (first.timestamp_type, first.serialized_key_size) == (1, 3)


async def test_what_comes_later_is_read_too(cluster: Cluster, topic: str, readers: Readers) -> None:
    reader = await readers()
    await reader.poll()
    await cluster.send(topic, b"late")

    [record] = await reader.read(1)

    assert record.value == b"late"


async def test_reading_goes_on_at_what_is_committed(
    cluster: Cluster, topic: str, readers: Readers
) -> None:
    for value in (b"0", b"1", b"2"):
        await cluster.send(topic, value)
    reader = await readers()
    await reader.read(3)
    await reader.consumer.commit({TopicPartition(topic, 0): 1})
    await reader.stop()

    again = await (await readers()).read(2)

    assert [record.value for record in again] == [b"1", b"2"]


async def test_what_was_committed_can_be_asked_for(
    cluster: Cluster, topic: str, readers: Readers
) -> None:
    await cluster.send(topic, b"0")
    reader, tp = await readers(), TopicPartition(topic, 0)
    await reader.read(1)

    assert await reader.consumer.committed(tp) is None
    await reader.consumer.commit({tp: 1})
    assert await reader.consumer.committed(tp) == 1


async def test_seeking_reads_again(cluster: Cluster, topic: str, readers: Readers) -> None:
    for value in (b"0", b"1", b"2"):
        await cluster.send(topic, value)
    reader, tp = await readers(), TopicPartition(topic, 0)
    await reader.read(2)

    reader.consumer.seek(tp, 1)

    assert [record.offset for record in await reader.read(2)] == [1, 2]


async def test_pausing_drops_what_was_fetched_and_resuming_loses_nothing(
    cluster: Cluster, topic: str, readers: Readers
) -> None:
    for value in (b"0", b"1", b"2"):
        await cluster.send(topic, value)
    reader, tp = await readers(), TopicPartition(topic, 0)
    await reader.read(1)

    reader.consumer.set_paused([tp])
    assert [await reader.poll() for _ in range(2)] == [[]] * 2
    reader.consumer.set_paused([])

    assert [record.offset for record in await reader.read(2)] == [1, 2]


async def test_keeping_membership_takes_nothing(
    cluster: Cluster, topic: str, readers: Readers
) -> None:
    for value in (b"0", b"1", b"2"):
        await cluster.send(topic, value)
    reader = await readers()
    await reader.read(1)

    await reader.consumer.keep_membership()

    assert [record.offset for record in await reader.read(2)] == [1, 2]


async def test_the_end_is_known_from_what_was_fetched(
    cluster: Cluster, topic: str, readers: Readers
) -> None:
    await cluster.send(topic, b"0")
    await cluster.send(topic, b"1")
    reader = await readers()

    await reader.read(1)

    assert reader.consumer.high_water(topic, 0) == 2
    assert reader.consumer.stable_offset(topic, 0) == 2


async def test_what_retention_deleted_before_it_was_read_ends_the_process(
    cluster: Cluster, topic: str, readers: Readers
) -> None:
    for value in (b"0", b"1", b"2", b"3"):
        await cluster.send(topic, value)
    reader, tp = await readers(), TopicPartition(topic, 0)
    await reader.read(1)
    reader.consumer.set_paused([tp])
    await reader.poll()
    await cluster.trim(topic, 3)

    reader.consumer.set_paused([])
    await reader.poll_until(lambda: reader.progress.halt.is_set)

    assert "retention deleted 2 records" in (reader.progress.halt.reason or "")


async def test_a_new_group_starts_where_the_log_does(
    cluster: Cluster, topic: str, readers: Readers
) -> None:
    for value in (b"0", b"1", b"2"):
        await cluster.send(topic, value)
    await cluster.trim(topic, 2)

    [record] = await (await readers()).read(1)

    assert record.offset == 2
