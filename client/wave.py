"""Commands in batches, one for each partition, and what became of each."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from aiokafka.errors import MessageSizeTooLargeError, TopicAuthorizationFailedError

from client.errors import AccountsClientError, NotAcknowledgedError, NotSentError
from client.many import Headers
from client.partitioning import hash_of
from client.questions import content_of
from contracts.commands import AnyCommand

FOR_GOOD = (MessageSizeTooLargeError, TopicAuthorizationFailedError)
"""What Kafka refuses by itself, and would again; the connection is as good as before."""

YIELD_COMMANDS = 500
"""How many are encoded at a stretch, two milliseconds: others use the event loop, too."""

Place: TypeAlias = tuple[str, int]


class _FillingBatch(Protocol):
    """The part of aiokafka's batch that is used here, with types."""

    def append(
        self, *, timestamp: int | None, key: bytes, value: bytes, headers: Headers
    ) -> object | None: ...


class BatchProducer(Protocol):
    """The part of aiokafka's producer that is used here, with types."""

    async def partitions_for(self, topic: str) -> set[int]:
        """Return the numbers of the partitions."""
        ...

    def create_batch(self) -> _FillingBatch:
        """Return an empty batch."""
        ...

    async def send_batch(
        self, batch: _FillingBatch, topic: str, *, partition: int
    ) -> asyncio.Future[object]:
        """Hand *batch* over; the future is done once it is acknowledged."""
        ...


@dataclass(slots=True, eq=False)
class _Batched:
    """One batch, and which commands are in it."""

    place: Place
    batch: _FillingBatch
    indices: list[int] = field(default_factory=list[int])
    acknowledged: asyncio.Future[object] | None = None


class Wave:
    """Commands that are on their way together."""

    def __init__(
        self, topics: Sequence[str], commands: Sequence[AnyCommand], headers: Headers
    ) -> None:
        self._topics = topics
        self._commands = commands
        self._headers = headers
        self._batches: list[_Batched] = []

    async def send(self, producer: BatchProducer) -> None:
        """Hand all over, and wait until each batch is acknowledged or refused.

        Raises:
            KafkaError: The connection may be broken.
        """
        await self._fill(producer)
        waiting: list[asyncio.Future[object]] = []
        for each in self._batches:
            topic, partition = each.place
            each.acknowledged = await producer.send_batch(each.batch, topic, partition=partition)
            each.acknowledged.add_done_callback(_looked_at)
            waiting.append(each.acknowledged)
        if waiting:
            await asyncio.wait(waiting)
        for acknowledged in waiting:
            error = acknowledged.exception()
            if error is not None and not isinstance(error, FOR_GOOD):
                raise error

    def outcomes(self, unsent: AccountsClientError) -> list[AccountsClientError | None]:
        """Return what became of each command; *unsent* is why those not handed over were not."""
        found: list[AccountsClientError | None] = [unsent] * len(self._commands)
        for each in self._batches:
            if each.acknowledged is None:
                continue
            for index in each.indices:
                found[index] = _outcome(each.acknowledged, each.place[0], self._commands[index])
        return found

    async def _fill(self, producer: BatchProducer) -> None:
        counts = {
            topic: len(await producer.partitions_for(topic))
            for topic in dict.fromkeys(self._topics)
        }
        last: dict[Place, _Batched] = {}
        for index, (topic, command) in enumerate(zip(self._topics, self._commands, strict=True)):
            if index % YIELD_COMMANDS == 0:
                await asyncio.sleep(0)
            key, value = command.username.encode(), content_of(command)
            place = topic, hash_of(key) % counts[topic]
            batched = last.get(place)
            if batched is None or not _appended(batched, key, value, self._headers):
                batched = last[place] = _Batched(place, producer.create_batch())
                self._batches.append(batched)
                _appended(batched, key, value, self._headers)
            batched.indices.append(index)


def _appended(batched: _Batched, key: bytes, value: bytes, headers: Headers) -> bool:
    """Say whether there was room; an empty batch takes any."""
    appended = batched.batch.append(timestamp=None, key=key, value=value, headers=headers)
    return appended is not None


def _outcome(
    acknowledged: asyncio.Future[object], topic: str, command: AnyCommand
) -> AccountsClientError | None:
    if acknowledged.done() and not acknowledged.cancelled():
        error = acknowledged.exception()
        if error is None:
            return None
        if isinstance(error, FOR_GOOD):
            return NotSentError(f"{topic} does not take this record: {error}")
    return NotAcknowledgedError(command, "no acknowledgement from Kafka")


def _looked_at(acknowledged: asyncio.Future[object]) -> None:
    if not acknowledged.cancelled():
        acknowledged.exception()  # Whether or not anybody still waits for it.
