"""Topics that come, grow, go, and come again."""

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaTimeoutError

from contracts.headers import UNDELIVERED
from tests.ports.kafka.clusters import Cluster
from tests.ports.kafka.conftest import Readers
from workers.kafka.probe import KafkaProbe
from workers.kafka.publishing import Outgoing, Publisher, PublishError
from workers.kafka.replies import AddressedAnswer, Replies
from workers.ledger.end_offsets import EndOffsets
from workers.monitoring.metrics import Metrics

pytestmark = pytest.mark.asyncio


async def test_a_topic_made_again_is_read_from_its_beginning(
    cluster: Cluster, topic: str, readers: Readers
) -> None:
    for value in (b"0", b"1"):
        await cluster.send(topic, value)
    reader, tp = await readers(), TopicPartition(topic, 0)
    await reader.read(2)
    await reader.consumer.commit({tp: 2})
    await reader.stop()

    await cluster.delete(topic)
    await cluster.create(topic)
    await cluster.send(topic, b"another")
    [record] = await (await readers()).read(1)

    assert (record.value, record.offset) == (b"another", 0)


async def test_a_topic_made_again_has_another_id(cluster: Cluster, topic: str) -> None:
    probe = KafkaProbe(cluster.connection, cluster.clients)
    before = await probe.topics([topic])
    await cluster.delete(topic)
    assert await probe.topics([topic]) == {}
    await cluster.create(topic)

    after = await probe.topics([topic])
    await probe.stop()

    assert (before[topic].partitions, after[topic].partitions) == (1, 1)
    assert before[topic].topic_id != after[topic].topic_id


async def test_partitions_that_were_added_are_read_once_somebody_looks(
    cluster: Cluster, topic: str, readers: Readers
) -> None:
    reader = await readers()
    await reader.poll_until(lambda: reader.has(TopicPartition(topic, 0)))
    await cluster.add_partitions(topic, 2)
    await cluster.send(topic, b"in the new one", partition=1)

    reader.consumer.look_again()
    [record] = await reader.read(1)

    assert (record.partition, record.offset) == (1, 0)
    assert reader.consumer.known_partitions(topic) == 2


async def test_ends_are_told_of_every_partition(cluster: Cluster, name: str) -> None:
    await cluster.create(name, 2)
    await cluster.send(name, b"0", partition=1)
    ends = EndOffsets(cluster.connection, cluster.clients)
    places = [TopicPartition(name, number) for number in (0, 1)]

    found = await ends.ask(places)
    await ends.stop()

    assert [found[tp] for tp in places] == [0, 1]


async def test_nobody_knows_the_end_of_a_topic_that_is_not_there(
    cluster: Cluster, name: str
) -> None:
    ends = EndOffsets(cluster.connection, cluster.clients)

    with pytest.raises(KafkaTimeoutError):
        await ends.ask([TopicPartition(name, 0)])
    await ends.stop()


async def test_what_is_published_stands_in_its_order(
    cluster: Cluster, topic: str, readers: Readers
) -> None:
    publisher = a_publisher(cluster)
    headers = [("a", b"1"), ("b", b"")]
    await publisher.publish([Outgoing(topic, b"k", b"%d" % n, headers) for n in range(3)])
    await publisher.publish([Outgoing(topic, b"k", b"3", [])])
    await publisher.stop()

    records = await (await readers()).read(4)

    assert [record.value for record in records] == [b"0", b"1", b"2", b"3"]
    assert records[0].headers == (("a", b"1"), ("b", b""))
    assert records[0].key == b"k"


async def test_publishing_to_a_topic_that_is_not_there_fails(cluster: Cluster, name: str) -> None:
    publisher = a_publisher(cluster)

    with pytest.raises(PublishError):
        await publisher.publish([Outgoing(name, b"k", b"v", [])])
    await publisher.stop()


async def test_an_answer_to_a_topic_that_is_not_there_comes_back_marked(
    cluster: Cluster, name: str
) -> None:
    replies = Replies(
        cluster.connection,
        a_publisher(cluster),
        allowed=".*",
        timeout_ms=5000,
        retry_s=30,
        clients=cluster.clients,
    )
    answer = Outgoing("results", b"k", b"v", [])

    [back] = await replies.deliver([AddressedAnswer(to=name, answer=answer)])
    await replies.stop()

    assert list(back.headers) == [(UNDELIVERED, b"missing")]


def a_publisher(cluster: Cluster) -> Publisher:
    connection = {k: v for k, v in cluster.connection.items() if k != "request_timeout_ms"}
    return Publisher(connection, deadline_ms=2000, metrics=Metrics(), clients=cluster.clients)
