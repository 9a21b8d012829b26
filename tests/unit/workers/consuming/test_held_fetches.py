"""A fetch that Kafka may hold long: nothing waits behind it, and it ends when another is needed (P10)."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from aiokafka import TopicPartition
from aiokafka.errors import KafkaConnectionError
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.protocol.metadata import MetadataRequest

from workers.consuming.held_fetches import CONNECTIONS, LONG_MS, HeldFetches

HERE, THERE = TopicPartition("deposits", 0), TopicPartition("deposits", 1)
BROKERS = {HERE: 1, THERE: 2}


class Connection:
    """To one broker, which holds every question until somebody hangs up."""

    def __init__(self) -> None:
        self.answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.closed = False

    def close(self) -> None:
        self.closed = True
        if not self.answer.done():
            self.answer.set_exception(KafkaConnectionError("closed"))


class Client:
    """aiokafka's, as far as it is used."""

    def __init__(self) -> None:
        self.cluster = self
        self._conns = {(node_id, CONNECTIONS): Connection() for node_id in BROKERS.values()}
        self.asked: list[tuple[int, str]] = []

    async def send(self, node_id: int, request: Any, *, group: str = "default") -> Any:
        self.asked.append((node_id, group))
        if isinstance(request, MetadataRequest):
            return "metadata"
        return await asyncio.shield(self.connection(node_id).answer)

    def leader_for_partition(self, tp: TopicPartition) -> int:
        return BROKERS[tp]

    def connection(self, node_id: int) -> Connection:
        return self._conns[node_id, CONNECTIONS]


def a_fetch(wait_ms: int = LONG_MS + 1) -> FetchRequest:
    return FetchRequest(wait_ms, 1, 1000, 1, [])


@pytest_asyncio.fixture
async def client() -> AsyncIterator[Client]:
    yield (client := Client())
    for number in BROKERS.values():
        client.connection(number).close()
        client.connection(number).answer.exception()


async def held(fetches: HeldFetches, node_id: int = 1, **of: int) -> asyncio.Task[Any]:
    fetch = asyncio.create_task(fetches.send(node_id, a_fetch(**of)))
    for _ in range(3):
        await asyncio.sleep(0)
    assert not fetch.done()
    return fetch


async def test_it_has_a_connection_of_its_own(client: Client) -> None:
    fetches = HeldFetches(client)
    fetch = await held(fetches)

    assert await client.send(1, MetadataRequest([])) == "metadata"
    assert client.asked == [(1, CONNECTIONS), (1, "default")]

    client.connection(1).answer.set_result("records")
    assert await fetch == "records"
    assert not client.connection(1).closed


async def test_it_ends_for_a_partition_of_its_broker_and_brings_nothing(client: Client) -> None:
    fetches = HeldFetches(client)
    fetch, other = await held(fetches), await held(fetches, 2)

    fetches.end([HERE])
    response = await fetch

    assert list(response.topics) == []
    assert client.connection(1).closed, "Kafka would hold the next one behind it"
    await asyncio.sleep(0)
    assert not other.done()
    assert not client.connection(2).closed
    other.cancel()


async def test_one_that_is_dropped_leaves_no_connection_behind_which_others_wait(
    client: Client,
) -> None:
    fetches = HeldFetches(client)
    fetch = await held(fetches)

    fetch.cancel()
    with pytest.raises(asyncio.CancelledError):
        await fetch

    assert client.connection(1).closed
    fetches.end([HERE])  # which is no more


async def test_a_short_one_is_waited_for(client: Client) -> None:
    fetches = HeldFetches(client)
    fetch = await held(fetches, wait_ms=LONG_MS)

    fetches.end([HERE])
    await asyncio.sleep(0)

    assert not fetch.done()
    assert client.asked == [(1, CONNECTIONS)], "the same one, or two would be under way"
    fetch.cancel()


async def test_a_broker_that_fails_is_told(client: Client) -> None:
    fetch = await held(HeldFetches(client))

    client.connection(1).close()

    with pytest.raises(KafkaConnectionError):
        await fetch
