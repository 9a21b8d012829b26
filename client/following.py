"""Follows what the service publishes."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiokafka import TopicPartition

from client.kafka import Kafka
from client.questions import RESULT_ID, question_answered
from client.reader import Reader, Start, open_reader
from client.received import M, Received, received
from client.sequences import Sequences
from contracts import topics
from contracts.events import BalanceChanged, Balances
from contracts.results import Result
from contracts.topics import TopicSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The balances of every account, and where to follow the events from."""

    balances: Mapping[str, Balances]
    """By username."""
    positions: Mapping[TopicPartition, int]


class Following:
    """The readers that are open, each with a connection of its own."""

    def __init__(self, kafka: Kafka, prefix: str) -> None:
        self._kafka = kafka
        self._prefix = prefix
        self._readers: set[Reader] = set()

    async def close(self) -> None:
        """Disconnect. Iterators that are still followed end by themselves."""
        await asyncio.gather(*(reader.close() for reader in self._readers))

    @asynccontextmanager
    async def reader(self, topic: TopicSpec, start: Start) -> AsyncGenerator[Reader]:
        """Open a reader of *topic*."""
        async with open_reader(self._kafka, [self._prefix + topic.name], start) as reader:
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
                if question is None or question.id_name == RESULT_ID:
                    yield received(record, Result)

    async def messages(
        self, topic: TopicSpec, model: type[M], start: Start
    ) -> AsyncIterator[Received[M]]:
        """Yield what comes on *topic*, for ever."""
        async with self.reader(topic, start) as reader:
            async for record in reader.records():
                if record.value is None and "compact" in topic.cleanup:
                    continue  # A tombstone: what stood under this key is no longer kept.
                yield received(record, model)

    async def balance_events(
        self, start: Start | Snapshot
    ) -> AsyncIterator[Received[BalanceChanged]]:
        """Yield each change of each balance once, in order per account, for ever."""
        sequences = Sequences()
        if isinstance(start, Snapshot):
            seen = {username: state.sequence for username, state in start.balances.items()}
            sequences = Sequences(seen, complete=True)
            start = start.positions
        async for event in self.messages(topics.BALANCE_EVENTS, BalanceChanged, start):
            if sequences.is_new(event.message.username, event.message.sequence):
                yield event

    async def snapshot(self) -> Snapshot:
        """Return the balances of all accounts, to follow the events from."""
        # First where the events end, then the states: a state is published before its events.
        async with self.reader(topics.BALANCE_EVENTS, "end") as reader:
            positions = dict(reader.ends)
        balances: dict[str, Balances] = {}
        async with self.reader(topics.BALANCES, "beginning") as reader:
            while not await reader.caught_up():
                for record in await reader.poll():
                    state = received(record, Balances).message
                    known = balances.get(state.username)
                    if known is None or known.sequence <= state.sequence:
                        balances[state.username] = state
        return Snapshot(balances=balances, positions=positions)
