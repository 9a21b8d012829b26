"""A consumer that is bounded in what it unpacks (P12): what it does with marks, and with room."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from client.batches import UNPACKED_BYTES_MAX
from client.screening import Screen
from tests.batches import GZIP, a_batch, a_bomb, a_record, packed

TP = TopicPartition("topic", 0)
HALF = UNPACKED_BYTES_MAX // 2


@dataclass
class Request:
    topics: Sequence[Any]
    API_KEY: int = 1


@dataclass
class Response:
    topics: Sequence[Any]


@dataclass
class Broker:
    """Hands out the same again and again."""

    data: bytes
    was_asked: asyncio.Event = field(default_factory=asyncio.Event)
    waiting: set[TopicPartition] = field(default_factory=set[TopicPartition])

    async def send(self, node_id: int, request: Request) -> Response:
        del node_id, request
        self.was_asked.set()
        return Response([(TP.topic, [(TP.partition, 0, 1000, 1000, None, self.data)])])

    def unread(self) -> Collection[TopicPartition]:
        return self.waiting


async def ask(screen: Screen, position: int = 0) -> bytes:
    request = Request([(TP.topic, [(TP.partition, position, 1)])])
    response = await screen.send(0, request)
    [(_, [part])] = response.topics
    return part[-1]


async def test_what_is_not_compressed_is_left_alone() -> None:
    broker = Broker(a_batch(a_record(b"\xff", headers=[(b"\xff", b"")])))
    screen = Screen(broker.send, broker.unread, closely=False)

    assert await ask(screen) is broker.data
    assert screen.marks == {}


async def test_marks_go_with_what_they_are_about() -> None:
    broker = Broker(a_bomb(UNPACKED_BYTES_MAX, base=3))
    screen = Screen(broker.send, broker.unread, closely=False)

    await ask(screen)
    marked = list(screen.marks[TP])
    broker.data = a_batch(a_record(b"x"), base=4)
    await ask(screen)

    assert marked == [3]
    assert screen.marks == {}, "a topic that is made again has the same offsets for other records"


async def test_it_looks_closely_for_a_while() -> None:
    broker = Broker(a_batch(a_record(b"x", headers=[(b"\xff", b"")])))
    screen = Screen(broker.send, broker.unread, closely=False)

    await ask(screen)
    before = dict(screen.marks)
    screen.look_closely(60)
    await ask(screen)
    found = dict(screen.marks)
    screen.look_closely(0)

    assert (before, list(found)) == ({}, [TP])
    assert not screen.closely


async def test_one_fetch_at_a_time_waits_unpacked() -> None:
    """Else every partition of every topic might hold as much."""
    broker = Broker(a_bomb(HALF) + a_bomb(HALF - 100, base=1))
    screen = Screen(broker.send, broker.unread, closely=False)
    first = await ask(screen)
    broker.waiting.add(TP)
    second = asyncio.create_task(ask(screen))
    broker.was_asked.clear()
    await broker.was_asked.wait()

    screen.taken()  # a poll that took nothing of it
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(second), 0.5)
    broker.waiting.clear()
    screen.taken()

    assert await second == first


async def test_the_loop_goes_on_while_it_unpacks() -> None:
    broker = Broker(a_batch(packed("gzip", [bytes(HALF)]), codec=GZIP))
    screen = Screen(broker.send, broker.unread, closely=False)
    turns = 0

    unpacking = asyncio.create_task(ask(screen))
    while not unpacking.done():
        turns += 1
        await asyncio.sleep(0)

    assert turns > 10


async def test_a_fetch_waits_until_records_may_be_asked_for() -> None:
    broker = Broker(a_batch(a_record(b"x")))
    screen = Screen(broker.send, broker.unread, closely=False)
    screen.fetching.clear()

    fetch = asyncio.create_task(ask(screen))
    await screen.send(0, Request([], API_KEY=3))  # whatever else is asked goes at once
    await asyncio.sleep(0)
    assert not fetch.done()

    screen.fetching.set()
    assert await fetch is broker.data


async def test_fetches_without_an_answer_are_counted() -> None:
    answered = asyncio.Event()

    async def slow(_node_id: int, _request: Request) -> Response:
        await answered.wait()
        raise KafkaError("gone") from None

    screen = Screen(slow, set, closely=False)
    fetches = [asyncio.create_task(ask(screen)) for _ in range(2)]
    await asyncio.sleep(0)
    assert screen.asked == 2

    answered.set()
    await asyncio.gather(*fetches, return_exceptions=True)
    assert screen.asked == 0
