"""A service in memory whose balance events and compacted balances can be followed."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import UTC, datetime

from aiokafka import TopicPartition
from aiokafka.errors import OffsetOutOfRangeError

from client import Received, Snapshot
from client.kafka import Record
from client.reader import Start
from client.sequences import Sequences
from contracts import topics
from contracts.events import BalanceChanged, Balances, BalanceState
from contracts.topics import TopicSpec
from tests.consumed import consumed

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
PLACE = TopicPartition("accounts.events.balance", 0)


def an_event(
    sequence: int, after: str, username: str = "alice", currency: str = "USD"
) -> BalanceChanged:
    return BalanceChanged(
        event_id=f"id:{sequence}",
        username=username,
        account_id="id",
        currency=currency,
        kind="deposited",
        amount="1.00",
        before="0.00",
        after=after,
        held="0.00",
        available=after,
        sequence=sequence,
        command_id=str(sequence),
        occurred_at=NOON,
    )


class Service:
    """Events that were published, and the states they lead to."""

    def __init__(self, events: Sequence[BalanceChanged]) -> None:
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

    async def follow_balance_events(
        self, start: Snapshot
    ) -> AsyncIterator[Received[BalanceChanged]]:
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


def balances_of(events: Sequence[BalanceChanged]) -> dict[str, Balances]:
    """Return what the events lead to, each taken once."""
    found: dict[str, Balances] = {}
    for event in events:
        known = found.get(event.username)
        if known and known.sequence >= event.sequence:
            continue
        state = BalanceState(posted=event.after, held=event.held, available=event.available)
        found[event.username] = Balances(
            username=event.username,
            account_id=event.account_id,
            sequence=event.sequence,
            balances={**(known.balances if known else {}), event.currency: state},
            changed_at=event.occurred_at,
        )
    return found


EVENTS = [
    an_event(1, "1.00"),
    an_event(1, "5.00", username="bob"),
    an_event(2, "2.00", currency="EUR"),
    an_event(3, "3.00"),
    an_event(2, "7.00", username="bob"),
]
