"""A client that has just connected learns of all the topics that it is asked about in one request."""

from aiokafka import TopicPartition

from tests.ports.kafka.clusters import MemoryCluster
from tests.simulation.kafka.scripted import LED_BY_THE_SAME, TOPICS, Scripted
from tests.simulation.network import Fate
from workers.kafka.publishing import Outgoing, Publisher
from workers.ledger.end_offsets import EndOffsets
from workers.monitoring.metrics import Metrics

ALL = (*TOPICS, LED_BY_THE_SAME)

START = 1
"""Requests of metadata with which a client of aiokafka's connects."""


def counted(fates: Scripted) -> list[str]:
    asked: list[str] = []

    def note(_process: str, operation: str) -> Fate | None:
        asked.append(operation)
        return None

    fates.rule = note
    return asked


async def test_the_first_question_after_ends_does_not_learn_one_topic_after_the_other(
    cluster: MemoryCluster, fates: Scripted
) -> None:
    asked = counted(fates)
    ends = EndOffsets(cluster.connection, cluster.clients)

    await ends.ask([TopicPartition(topic, 0) for topic in ALL])
    await ends.stop()

    assert asked.count("metadata") == START + 1


async def test_the_first_publication_does_not_learn_one_topic_after_the_other(
    cluster: MemoryCluster, fates: Scripted
) -> None:
    asked = counted(fates)
    publisher = Publisher({}, deadline_ms=1000, metrics=Metrics(), clients=cluster.clients)

    await publisher.publish([Outgoing(topic, b"key", b"0", []) for topic in ALL])
    await publisher.stop()

    assert asked.count("metadata") == START + 1
