"""Opening the topic of answers: once for all who ask, within the time of each, whoever gives up."""

import asyncio
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import cast

import pytest
import pytest_asyncio
from aiokafka.errors import KafkaConnectionError

from client.accounts import AccountsClient
from client.answers import Answers
from client.errors import TopicMissingError, UnreachableError
from client.kafka import Record
from client.reader import OpenReader, Start
from contracts.queries import GetBalance
from contracts.replies import Reply
from tests.unit.records import a_record

QUESTION = GetBalance(request_id="r-1", username="alice")
REPLY = {
    "request_id": "r-1",
    "username": "alice",
    "type": "get-balance",
    "status": "accepted",
    "answered_at": "2030-01-01T12:00:00.000Z",
}


class Topic:
    """The topic of answers: opened when told, and closed slowly."""

    def __init__(self) -> None:
        self.opened = 0
        self.may_open = asyncio.Event()
        self.missing = False
        self.may_close = asyncio.Event()
        self.coming: asyncio.Queue[Record | Exception] = asyncio.Queue()

    @asynccontextmanager
    async def open_reader(self, _topics: Collection[str], _start: Start) -> AsyncGenerator["Topic"]:
        self.opened += 1
        await self.may_open.wait()
        if self.missing:
            raise TopicMissingError("no such topic")
        try:
            yield self
        finally:
            await self.may_close.wait()

    async def records(self) -> AsyncIterator[Record]:
        while True:
            came = await self.coming.get()
            if isinstance(came, Exception):
                raise came
            yield came


@pytest.fixture
def topic() -> Topic:
    return Topic()


@pytest_asyncio.fixture
async def answers(topic: Topic) -> AsyncIterator[Answers]:
    answers = Answers(cast("OpenReader", topic.open_reader), "accounts.results")
    yield answers
    topic.may_close.set()
    await answers.close()


async def a_turn() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_nobody_returns_before_it_is_open_though_the_first_one_gave_up(
    topic: Topic, answers: Answers
) -> None:
    first = asyncio.create_task(answers.open())
    await a_turn()
    first.cancel()
    await a_turn()
    second = asyncio.create_task(answers.open())
    await a_turn()

    assert first.cancelled()
    assert not second.done()

    topic.may_open.set()
    await second
    assert topic.opened == 1


async def test_all_learn_of_one_attempt_that_failed(topic: Topic, answers: Answers) -> None:
    topic.missing = True
    tasks = [asyncio.create_task(answers.open()) for _ in range(3)]
    await a_turn()
    topic.may_open.set()

    for task in tasks:
        with pytest.raises(TopicMissingError):
            await task
    assert topic.opened == 1


async def test_a_failed_one_is_tried_again(topic: Topic, answers: Answers) -> None:
    topic.may_open.set()
    topic.missing = True
    with pytest.raises(TopicMissingError):
        await answers.open()

    topic.missing = False
    await answers.open()

    assert topic.opened == 2


async def test_a_broken_one_is_opened_anew_while_it_closes(topic: Topic, answers: Answers) -> None:
    topic.may_open.set()
    await answers.open()
    with answers.waiting.expect(QUESTION, Reply, "c-1") as lost:
        topic.coming.put_nowait(KafkaConnectionError())
        with pytest.raises(UnreachableError, match="cannot be read"):
            await lost

    await answers.open()

    with answers.waiting.expect(QUESTION, Reply, "c-1") as answer:
        topic.coming.put_nowait(a_record(REPLY))
        assert (await answer).request_id == "r-1"
    assert topic.opened == 2


async def test_who_waits_is_told_when_the_client_is_closed(answers: Answers) -> None:
    waiting = asyncio.create_task(answers.open())
    await a_turn()

    await answers.close()

    with pytest.raises(UnreachableError, match="no longer read"):
        await waiting


async def test_asking_ends_in_its_own_time_however_many_ask() -> None:
    """A Kafka that takes every connection and never says a word."""
    loop = asyncio.get_running_loop()

    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        async with AccountsClient(f"127.0.0.1:{port}") as accounts:
            began_s = loop.time()
            asked = [accounts.request(QUESTION, timeout_s=0.3) for _ in range(5)]
            ends = await asyncio.gather(*asked, return_exceptions=True)

    assert [type(end) for end in ends] == [UnreachableError] * 5
    assert "nothing was sent" in str(ends[0])
    assert loop.time() - began_s < 5
