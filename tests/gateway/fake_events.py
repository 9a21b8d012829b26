"""A service in memory whose balance events and compacted balances can be followed."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext

from aiokafka import TopicPartition
from aiokafka.errors import OffsetOutOfRangeError

from client import Received, Snapshot
from client.kafka import Record
from client.reader import Start
from client.sequences import Sequences
from contracts import topics
from contracts.entries import Entry
from contracts.events import Balances
from contracts.topics import TopicSpec
from tests.consumed import consumed
from tests.published import NOON, an_entry

PLACE = TopicPartition("accounts.events.balance", 0)


class Service:
    """Events that were published, and the states they lead to."""

    def __init__(self, events: Sequence[Entry]) -> None:
        self.log = [*events]
        self.kept_from = 0
        self.lost: set[int] = set()
        self.waits = False
        """For more events, as the client does; else it ends as a closed one does."""
        self.snapshots = 0
        self.states: list[Balances] = []
        """What stands on the compacted topic; by default nothing that the snapshot has not."""

    async def snapshot(self) -> Snapshot:
        self.snapshots += 1
        return Snapshot(balances=balances_of(self.log), positions={PLACE: len(self.log)})

    async def follow_balance_events(self, start: Snapshot) -> AsyncIterator[Received[Entry]]:
        seen = {username: state.sequence for username, state in start.balances.items()}
        sequences = Sequences(seen, complete=True)
        first = start.positions[PLACE]
        if first < self.kept_from:
            raise OffsetOutOfRangeError({PLACE: first})
        for offset, event in enumerate(self.log[first:], first):
            if offset not in self.lost and sequences.is_new(event.username, event.sequence):
                yield Received(
                    message=event, headers={}, partition=PLACE, offset=offset, appended_at=NOON
                )
        if self.waits:
            await asyncio.Event().wait()

    def reader(self, topic: TopicSpec, start: Start) -> AbstractAsyncContextManager["States"]:
        assert (topic, start) == (topics.BALANCES, "beginning")
        return nullcontext(States(self.states))


class States:
    """What a reader of the compacted balances yields: a tombstone, then these."""

    def __init__(self, states: Sequence[Balances]) -> None:
        self._states = states

    async def records(self) -> AsyncIterator[Record]:
        yield consumed(topics.BALANCES.name, None)
        for state in self._states:
            yield consumed(topics.BALANCES.name, state.model_dump_json().encode())
        await asyncio.Event().wait()


def balances_of(events: Sequence[Entry]) -> dict[str, Balances]:
    """Return what the events lead to, each taken once."""
    found: dict[str, Balances] = {}
    for event in events:
        known = found.get(event.username)
        if known and known.sequence >= event.sequence:
            continue
        found[event.username] = Balances(
            username=event.username,
            account_id=event.account_id,
            sequence=event.sequence,
            balances={**(known.balances if known else {}), **event.balances},
            changed_at=event.occurred_at,
        )
    return found


EVENTS = [
    an_entry(1, "1.00"),
    an_entry(1, "5.00", username="bob"),
    an_entry(2, "2.00", currency="EUR"),
    an_entry(3, "3.00"),
    an_entry(2, "7.00", username="bob"),
]
