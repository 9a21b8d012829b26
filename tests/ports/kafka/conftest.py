"""Both clusters, and topics of the test's own."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from random import Random
from uuid import uuid4

import pytest

from devstack.choose import Chosen
from tests.ports.kafka.clusters import Cluster, MemoryCluster, RealCluster
from tests.ports.kafka.readers import Reader
from tests.simulation.kafka.cluster import SimulatedKafka
from tests.simulation.network import Call, Fate, Network


class Fair:
    """Nothing goes wrong."""

    def of(self, process: str, call: Call) -> Fate:
        del process, call
        return Fate()


@pytest.fixture(params=["memory", pytest.param("real", marks=pytest.mark.kafka)])
async def cluster(request: pytest.FixtureRequest) -> AsyncIterator[Cluster]:
    """Yield each cluster in turn."""
    if request.param == "memory":
        kafka = SimulatedKafka(Network(Fair()), clock=time.time, random=Random(0))
        found: Cluster = MemoryCluster(kafka)
    else:
        stack: Chosen = request.getfixturevalue("stack")
        found = RealCluster(stack.addresses.kafka)
    yield found
    await found.close()


@pytest.fixture
def name() -> str:
    """Return a name that nothing else has."""
    return f"suite-{uuid4().hex}"


@pytest.fixture
async def topic(cluster: Cluster, name: str) -> str:
    """Return a topic with one partition."""
    await cluster.create(name)
    return name


Readers = Callable[..., Awaitable[Reader]]


@pytest.fixture
async def readers(cluster: Cluster, name: str) -> AsyncIterator[Readers]:
    """Yield what makes members of one group, which are stopped at the end."""
    made: list[Reader] = []

    async def a_reader(*topics: str, group: str = name, **how: object) -> Reader:
        reader = Reader(cluster, group, topics or (name,), **how)  # pyright: ignore[reportArgumentType]
        made.append(reader)
        return await reader.start()

    yield a_reader
    for reader in made:
        await reader.stop()
