"""Follows what the service publishes."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiokafka import TopicPartition
from aiokafka.errors import ConsumerStoppedError

from client.errors import UnreadableRecordError
from client.in_order import InOrder
from client.kafka import Record
from client.one_loop import OneLoop
from client.questions import REPLY_ID, question_answered
from client.reader import OpenReader, Reader, Start
from client.received import M, Received, entry_received, is_another, received
from client.sequences import Sequences
from contracts import topics
from contracts.entries import Entry
from contracts.events import Balances
from contracts.results import Result
from contracts.topics import TopicSpec

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The balances of every account, and where to follow the events from."""

    balances: Mapping[str, Balances]
    """By username."""
    positions: Mapping[TopicPartition, int]
    unreadable: Sequence[UnreadableRecordError] = ()
    """Records that are no state of balances: whose they are may be missing, or out of date."""


class Following:
    """The readers that are open, each with a connection of its own."""

    def __init__(self, open_reader: OpenReader, prefix: str, loop: OneLoop) -> None:
        self._loop = loop
        self._open_reader = open_reader
        self._prefix = prefix
        self._readers: set[Reader] = set()

    async def close(self) -> None:
        """Disconnect. Iterators that are still followed end by themselves."""
        readers, self._readers = self._readers, set()
        await asyncio.gather(*(reader.close() for reader in readers))

    @asynccontextmanager
    async def reader(self, topic: TopicSpec, start: Start) -> AsyncGenerator[Reader]:
        """Open a reader of *topic*."""
        self._loop.check()
        async with self._open_reader([self._prefix + topic.name], start) as reader:
            # Who breaks out of an iterator leaves it open; at the latest it goes with the client.
            self._readers.add(reader)
            try:
                yield reader
            finally:
                self._readers.discard(reader)

    async def results(self, start: Start) -> AsyncIterator[Received[Result]]:
        """Yield the results on the results topic, and none of the replies beside them."""
        async with self.reader(topics.RESULTS, start) as reader:
            async for record in reader.records():
                question = question_answered(record.value)
                is_reply = question is not None and question.id_name == REPLY_ID
                if not is_reply and not is_another(record, Result):
                    yield received(record, Result)

    async def messages(
        self, topic: TopicSpec, model: type[M], start: Start
    ) -> AsyncIterator[Received[M]]:
        """Yield what comes on *topic*, for ever."""
        async with self.reader(topic, start) as reader:
            async for record in reader.records():
                if not is_another(record, model):
                    yield received(record, model)

    async def balance_events(self, start: Start | Snapshot) -> AsyncIterator[Received[Entry]]:
        """Yield each change of each balance once, in order per account, for ever."""
        sequences = Sequences()
        if isinstance(start, Snapshot):
            seen = {username: state.sequence for username, state in start.balances.items()}
            sequences = Sequences(seen, complete=True)
            start = start.positions
        async with self.reader(topics.BALANCE_EVENTS, start) as reader:
            ordered = InOrder(reader, sequences)
            while True:
                try:
                    records = await reader.poll()
                except ConsumerStoppedError:
                    return
                for record in records:
                    if (event := entry_received(record)) is not None:
                        for due in ordered.take(event):
                            yield due
                await ordered.settle()

    async def snapshot(self) -> Snapshot:
        """Return the balances of all accounts, to follow the events from."""
        # First where the events end, then the states: a state is published before its events.
        async with self.reader(topics.BALANCE_EVENTS, "end") as reader:
            positions = dict(reader.ends)
        states = _States()
        async with self.reader(topics.BALANCES, "beginning") as reader:
            while not await reader.caught_up():
                for record in await reader.poll():
                    states.receive(record)
        return Snapshot(
            balances=states.balances,
            positions=positions,
            unreadable=[*states.unreadable.values()],
        )


class _States:
    """The latest state of each account, of the records of the compacted topic."""

    def __init__(self) -> None:
        self.balances: dict[str, Balances] = {}
        self.unreadable: dict[bytes, UnreadableRecordError] = {}
        """By the record's key: a later one under the same key stands in its place."""

    def receive(self, record: Record) -> None:
        """Take the next record."""
        # Any sender may leave a key null, whatever the library's types say.
        key = bytes(record.key or b"")
        self.unreadable.pop(key, None)
        if record.value is None:  # A tombstone: what stood under this key is no longer kept.
            self.balances.pop(key.decode(errors="replace"), None)
        elif not is_another(record, Balances):
            try:
                state = received(record, Balances).message
            except UnreadableRecordError as error:
                # One bad record must not keep all other accounts from being known.
                _LOG.warning("left out: %s", error)
                self.unreadable[key] = error
                return
            known = self.balances.get(state.username)
            if known is None or known.sequence <= state.sequence:
                self.balances[state.username] = state
