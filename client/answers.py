"""Finds the answer to each command and request among all that arrive on a topic."""

import asyncio
from collections import defaultdict
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeAlias, TypeVar, cast

from aiokafka.errors import KafkaError
from pydantic import ValidationError

from client.errors import (
    AccountsClientError,
    TopicReplacedError,
    UnreachableError,
    UnreadableRecordError,
)
from client.kafka import Record
from client.questions import (
    Asked,
    Question,
    content_of,
    correlation_answered,
    question_answered,
    question_of,
)
from client.reader import OpenReader
from client.received import headers_of, is_another
from contracts.headers import CORRELATION_ID
from contracts.replies import Reply
from contracts.results import Result

Answer: TypeAlias = Result | Reply
A = TypeVar("A", Result, Reply)


@dataclass(frozen=True, slots=True, eq=False)
class _ExpectedAnswer:
    """One who waits, and what answers it."""

    model: type[Answer]
    content: bytes
    correlation_id: str
    future: asyncio.Future[Answer]

    def is_answered_by(self, correlation_id: str | None) -> bool:
        """Return whether it is ours, and not to another content under the same id."""
        return correlation_id in (None, self.correlation_id)

    def is_mistaken_for(self, other: "_ExpectedAnswer") -> bool:
        """Return whether the answers to two contents would look alike."""
        return self.correlation_id == other.correlation_id and self.content != other.content

    def give(self, value: bytes) -> None:
        answer = self.model.model_validate_json(value)
        if not self.future.done():
            self.future.set_result(answer)

    def fail(self, error: AccountsClientError) -> None:
        if not self.future.done():
            self.future.set_exception(error)


class Waiting:
    """Who waits for which answer.

    An answer belongs to a username, an id, a kind of question and a correlation id.
    """

    def __init__(self) -> None:
        self._expected: defaultdict[Question, list[_ExpectedAnswer]] = defaultdict(list)

    @contextmanager
    def expect(
        self, asked: Asked, model: type[A], correlation_id: str
    ) -> Generator[asyncio.Future[A]]:
        """Hold a future for the answer to *asked*, a *model*; enter before sending.

        *correlation_id* is what was sent along.

        Raises:
            ValueError: Another content under the same id and correlation id waits for its answer.
        """
        question = question_of(asked)
        future: asyncio.Future[A] = asyncio.get_running_loop().create_future()
        answered = correlation_answered(asked, correlation_id)
        expected = _ExpectedAnswer(
            model, content_of(asked), answered, cast("asyncio.Future[Answer]", future)
        )
        if any(expected.is_mistaken_for(other) for other in self._expected.get(question, ())):
            raise ValueError(
                f"another content is being asked under the {question.id_name} and correlation id "
                f"of this {question.type}: their answers could not be told apart"
            )
        self._expected[question].append(expected)
        try:
            yield future
        finally:
            future.cancel()
            self._expected[question].remove(expected)
            if not self._expected[question]:
                del self._expected[question]

    def receive(self, record: Record) -> None:
        """Give *record* to those who wait for it; anything else is not ours."""
        question = question_answered(record.value)
        if question is None or question not in self._expected or record.value is None:
            return
        correlation_id = headers_of(record).get(CORRELATION_ID)
        for expected in self._expected[question]:
            if is_another(record, expected.model):
                continue
            if not expected.is_answered_by(correlation_id):
                continue
            try:
                expected.give(record.value)
            except ValidationError:
                expected.fail(UnreadableRecordError(record.topic, record.partition, record.offset))

    def fail(self, error: AccountsClientError) -> None:
        """Tell everybody that no answer can be received any more."""
        everybody: Iterable[list[_ExpectedAnswer]] = self._expected.values()
        for expected in (one for some in everybody for one in some):
            expected.fail(error)


class Answers:
    """Reads one topic of answers from the moment it is opened."""

    def __init__(self, open_reader: OpenReader, topic: str) -> None:
        self._open_reader = open_reader
        self._topic = topic
        self._opened: asyncio.Future[None] | None = None
        """Done once nothing can be missed any more; None while nobody reads."""
        self._readings: set[asyncio.Task[None]] = set()
        """The one that reads, and those before it that are not closed yet."""
        self.waiting = Waiting()

    async def open(self) -> None:
        """Start to read unless it does already; returns when nothing can be missed any more.

        All who open it wait for the same attempt, and none ends it by giving up.

        Raises:
            UnreachableError: Kafka does not answer.
            TopicMissingError: The topic of answers is not there.
        """
        opened = None
        while opened is None or opened is not self._opened:  # Broken again before we had our turn.
            opened = self._opened or self._start()
            await asyncio.shield(opened)

    async def close(self) -> None:
        """Stop to read."""
        for reading in self._readings:
            reading.cancel()
        await asyncio.gather(*self._readings, return_exceptions=True)

    def _start(self) -> asyncio.Future[None]:
        opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._opened = opened
        reading = asyncio.create_task(self._read(opened))
        self._readings.add(reading)

        def ended(reading: asyncio.Task[None]) -> None:
            self._readings.discard(reading)
            self._end(opened, UnreachableError(f"{self._topic} is no longer read"))

        reading.add_done_callback(ended)
        return opened

    async def _read(self, opened: asyncio.Future[None]) -> None:
        try:
            async with self._open_reader([self._topic], "end") as reader:
                opened.set_result(None)
                try:
                    async for record in reader.records():
                        self.waiting.receive(record)
                except (KafkaError, TopicReplacedError) as error:
                    # At once: closing the reader takes a while, and nothing is heard meanwhile.
                    self._end(opened, UnreachableError(f"{self._topic} cannot be read: {error!r}"))
        except AccountsClientError as error:
            self._end(opened, error)

    def _end(self, opened: asyncio.Future[None], error: AccountsClientError) -> None:
        """Let the next one open it anew, and tell those who wait. May be called again."""
        if self._opened is not opened:
            return
        self._opened = None
        if opened.done():
            self.waiting.fail(error)
        else:
            opened.set_exception(error)
            opened.exception()  # Whether or not anybody still waits for it.
