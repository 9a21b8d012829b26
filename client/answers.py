"""Finds the answer to each command among all that arrive on a topic."""

import asyncio
from collections import defaultdict
from collections.abc import Generator
from contextlib import contextmanager

import orjson
from aiokafka.errors import KafkaError
from pydantic import ValidationError

from client.errors import AccountsClientError, UnreachableError, UnreadableRecordError
from client.kafka import Kafka, Record
from client.reader import Reader, open_reader
from contracts.message import Command
from contracts.results import Result

_Question = tuple[str, str]


class Waiting:
    """Who waits for which answer. An answer belongs to a username and a command id."""

    def __init__(self) -> None:
        self._futures: defaultdict[_Question, list[asyncio.Future[Result]]] = defaultdict(list)

    @contextmanager
    def expect(self, command: Command) -> Generator[asyncio.Future[Result]]:
        """Hold a future for the answer to *command*; enter before sending."""
        question = (command.username, command.command_id)
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._futures[question].append(future)
        try:
            yield future
        finally:
            future.cancel()
            self._futures[question].remove(future)
            if not self._futures[question]:
                del self._futures[question]

    def receive(self, record: Record) -> None:
        """Give *record* to those who wait for it; anything else is not ours."""
        futures = self._futures.get(_question_of(record.value), ())
        if not futures or record.value is None:
            return
        try:
            result = Result.model_validate_json(record.value)
        except ValidationError:
            self._raise(
                futures, UnreadableRecordError(record.topic, record.partition, record.offset)
            )
            return
        for future in futures:
            if not future.done():
                future.set_result(result)

    def fail(self, error: AccountsClientError) -> None:
        """Tell everybody that no answer can be received any more."""
        for futures in self._futures.values():
            self._raise(futures, error)

    @staticmethod
    def _raise(
        futures: list[asyncio.Future[Result]] | tuple[()], error: AccountsClientError
    ) -> None:
        for future in futures:
            if not future.done():
                future.set_exception(error)


def _question_of(value: bytes | None) -> _Question:
    try:
        body = orjson.loads(value or b"")
        return str(body["username"]), str(body["command_id"])
    except (orjson.JSONDecodeError, KeyError, TypeError, IndexError):
        return "", ""


class Answers:
    """Reads one topic of answers from the moment it is opened."""

    def __init__(self, kafka: Kafka, topic: str) -> None:
        self._kafka = kafka
        self._topic = topic
        self._opening = asyncio.Lock()
        self._reading: asyncio.Task[None] | None = None
        self.waiting = Waiting()

    async def open(self) -> None:
        """Start to read unless it does already; returns when nothing can be missed any more.

        Raises:
            UnreachableError: Kafka does not answer.
            TopicMissingError: The topic of answers is not there.
        """
        async with self._opening:
            if self._reading is None or self._reading.done():
                opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                self._reading = asyncio.create_task(self._read(opened))
                await opened

    async def close(self) -> None:
        """Stop to read."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)

    async def _read(self, opened: asyncio.Future[None]) -> None:
        try:
            async with open_reader(self._kafka, [self._topic], "end") as reader:
                if not opened.done():
                    opened.set_result(None)
                await self._receive(reader)
        except AccountsClientError as error:
            if not opened.done():
                opened.set_exception(error)
        except KafkaError as error:
            self.waiting.fail(UnreachableError(f"{self._topic} cannot be read: {error!r}"))
        finally:
            opened.cancel()

    async def _receive(self, reader: Reader) -> None:
        async for record in reader.records():
            self.waiting.receive(record)
