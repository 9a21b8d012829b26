"""Collects everything the service publishes, and waits for it with a deadline."""

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import orjson

from client.kafka import Kafka, Record
from client.reader import Reader, open_reader
from contracts.topics import (
    AUDIT_EVENTS,
    BALANCE_EVENTS,
    BALANCES,
    DEAD_LETTERS,
    RESULTS,
    TopicSpec,
)
from tests.e2e.running import RunningService

PATIENCE_S = 120.0
"""Far more than any answer takes on a machine that others keep busy."""

PUBLISHED = (RESULTS, BALANCE_EVENTS, AUDIT_EVENTS, BALANCES, DEAD_LETTERS)

T = TypeVar("T")


@dataclass(frozen=True)
class Message:
    """One published record, as any Kafka client gets it."""

    topic: str
    """Without the prefix."""
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes
    header_list: Sequence[tuple[str, bytes]]

    @cached_property
    def body(self) -> dict[str, Any]:
        return orjson.loads(self.value)

    @cached_property
    def headers(self) -> dict[str, str]:
        """The headers as text, each of which must stand once."""
        assert len({name for name, _ in self.header_list}) == len(self.header_list)
        return {name: value.decode() for name, value in self.header_list}

    @cached_property
    def dlq(self) -> dict[str, str]:
        """What was added to a dead letter; the record's own headers may be anything."""
        mine = [(name, value) for name, value in self.header_list if name.startswith("dlq_")]
        return {name: value.decode() for name, value in mine}

    @property
    def code(self) -> str | None:
        """Why the command was refused; None where it was accepted."""
        error = self.body.get("error")
        return error["code"] if error else None


class Inbox:
    """All that was published so far, in the order of each partition."""

    def __init__(self, service: RunningService, readers: AsyncExitStack) -> None:
        self._service = service
        self._readers = readers
        self._kafka = Kafka(service.addresses.kafka, {})
        self._arrived = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._by_topic: dict[str, list[Message]] = defaultdict(list)
        self._results: dict[str, list[Message]] = defaultdict(list)
        self.answered: Counter[str] = Counter()
        """Command id → answers, on any topic followed."""

    async def follow(self, *topics: TopicSpec | str) -> None:
        """Collect these topics too, from their beginning. A string is a name after the prefix."""
        names = [self._service.topic(topic) for topic in topics]
        reader = await self._readers.enter_async_context(
            open_reader(self._kafka, names, "beginning")
        )
        self._tasks.add(asyncio.create_task(self._collect(reader)))

    def messages(self, topic: TopicSpec | str, username: str | None = None) -> list[Message]:
        """Return what is on *topic* so far; of one key where *username* is given."""
        found = self._by_topic[topic if isinstance(topic, str) else topic.name]
        if username is None:
            return list(found)
        return [message for message in found if message.key == username.encode()]

    def answers(self, command_id: str) -> list[Message]:
        """Return the results of this command id so far, in order of arrival, of all topics."""
        return list(self._results[command_id])

    def results(self, username: str | None = None) -> list[Message]:
        return self.messages(RESULTS, username)

    def balance_events(self, username: str | None = None) -> list[Message]:
        return self.messages(BALANCE_EVENTS, username)

    def audit_events(self, username: str | None = None) -> list[Message]:
        return self.messages(AUDIT_EVENTS, username)

    def states(self, username: str | None = None) -> list[Message]:
        return self.messages(BALANCES, username)

    def dead_letters(self, source: str | None = None) -> list[Message]:
        """Return dead letters; those of one record where *source* is `topic-partition@offset`."""
        found = self.messages(DEAD_LETTERS)
        return found if source is None else [one for one in found if dead_source(one) == source]

    async def until(
        self,
        condition: Callable[[], T | None],
        what: str | Callable[[], str],
        within_s: float = PATIENCE_S,
    ) -> T:
        """Return what *condition* returns as soon as it is true; asked whenever something arrives.

        *what* says in the end what was waited for.

        Raises:
            AssertionError: It did not become true in time.
        """
        deadline = time.monotonic() + within_s
        while not (found := condition()):
            for task in self._tasks:
                if task.done():
                    task.result()
            self._arrived.clear()
            try:
                async with asyncio.timeout(deadline - time.monotonic()):
                    await self._arrived.wait()
            except TimeoutError:
                logs = self._service.log_ends()
                wanted = what if isinstance(what, str) else what()
                raise AssertionError(f"waited {within_s} s in vain for {wanted}\n{logs}") from None
        return found

    async def answer(
        self, command_id: str, number: int = 1, within_s: float = PATIENCE_S
    ) -> Message:
        """Return the result of *command_id* that arrived as the *number*-th."""
        answers = self._results[command_id]
        return await self.until(
            lambda: answers[number - 1] if len(answers) >= number else None,
            f"answer {number} to {command_id}",
            within_s,
        )

    async def some(
        self, topic: TopicSpec | str, username: str, count: int = 1, within_s: float = PATIENCE_S
    ) -> list[Message]:
        """Return the messages of *username* on *topic* once there are at least *count*."""
        await self.until(
            lambda: len(self.messages(topic, username)) >= count,
            f"{count} messages of {username} on {topic}",
            within_s,
        )
        return self.messages(topic, username)

    async def _collect(self, reader: Reader) -> None:
        async for record in reader.records():
            message = _message(record, self._service.prefix)
            self._by_topic[message.topic].append(message)
            if dict(message.header_list).get("ce_type") == b"accounts.result.v2":
                command_id = message.body["command_id"]
                self._results[command_id].append(message)
                self.answered[command_id] += 1
            self._arrived.set()

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def dead_source(letter: Message) -> str:
    """Return where a dead letter's record stands, as `topic-partition@offset`."""
    dlq = letter.dlq
    return f"{dlq['dlq_topic']}-{dlq['dlq_partition']}@{dlq['dlq_offset']}"


@asynccontextmanager
async def open_inbox(service: RunningService) -> AsyncGenerator[Inbox]:
    """Follow everything that is published, from the beginning."""
    async with AsyncExitStack() as readers:
        inbox = Inbox(service, readers)
        try:
            await inbox.follow(*PUBLISHED)
            yield inbox
        finally:
            await inbox.close()


def _message(record: Record, prefix: str) -> Message:
    return Message(
        topic=record.topic.removeprefix(prefix),
        partition=record.partition,
        offset=record.offset,
        timestamp_ms=record.timestamp,
        key=record.key,
        value=record.value or b"",
        header_list=record.headers,
    )
