"""Brokers in memory, and what becomes of each call to them."""

import time
from random import Random

import pytest

from tests.ports.kafka.clusters import MemoryCluster
from tests.simulation.kafka.cluster import SimulatedKafka
from tests.simulation.kafka.scripted import LED_BY_THE_SAME, TOPICS, Scripted
from tests.simulation.network import Network


@pytest.fixture
def fates() -> Scripted:
    return Scripted()


@pytest.fixture
def cluster(fates: Scripted) -> MemoryCluster:
    kafka = SimulatedKafka(Network(fates), clock=time.time, random=Random(0))
    for topic in (*TOPICS, LED_BY_THE_SAME):
        kafka.create_topic(topic, 1, {"message.timestamp.type": "LogAppendTime"})
    return MemoryCluster(kafka)
