"""Keep everybody's portfolio, right through repeats and restarts, in a file.

    python examples/portfolio.py 127.0.0.1:9092 /tmp/portfolio.json

Starts from the compacted balances, follows them and the events, and continues where it stopped.
Needs `accounts-client` only. There, `client` is called `accounts_client`, and `contracts`
`accounts_client.contracts`.
"""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol

from aiokafka import TopicPartition
from aiokafka.errors import OffsetOutOfRangeError
from pydantic import BaseModel, ValidationError

from client import AccountsClient, Received, SequenceGapError, Snapshot
from client.kafka import Record
from client.reader import Start
from client.received import received
from contracts import topics
from contracts.entries import Entry
from contracts.events import Balances
from contracts.topics import TopicSpec

SAVED_EVERY_S = 1.0
"""How often the file is written: what is not yet in it is read once more after a crash."""


class Position(BaseModel):
    """The next event to read of one partition."""

    topic: str
    partition: int
    offset: int


class Stored(BaseModel):
    """What the file holds: the balances, and where the events go on that are not yet in them."""

    balances: dict[str, Balances]
    positions: list[Position]


class Reads(Protocol):
    """The part of `client.reader.Reader` that is needed here."""

    def records(self) -> AsyncIterator[Record]:
        """Yield the records of one topic until the client is closed."""
        ...


class Follows(Protocol):
    """The part of `AccountsClient` that is needed here."""

    async def snapshot(self) -> Snapshot:
        """Return the balances of all accounts."""
        ...

    def follow_balance_events(self, start: Snapshot) -> AsyncIterator[Received[Entry]]:
        """Yield each later change once, in order per account."""
        ...

    def reader(self, topic: TopicSpec, start: Start) -> AbstractAsyncContextManager[Reads]:
        """Open a reader of a topic's raw records."""
        ...


class Portfolio:
    """What everybody holds. Balances and positions change together, and are stored together."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._unsaved = False
        self.balances: dict[str, Balances] = {}
        self.positions: dict[TopicPartition, int] = {}

    def load(self) -> bool:
        """Take over what the file holds; return whether there was something."""
        try:
            stored = Stored.model_validate_json(self._file.read_bytes())
        except (FileNotFoundError, ValidationError):
            return False
        self.balances = stored.balances
        self.positions = {
            TopicPartition(one.topic, one.partition): one.offset for one in stored.positions
        }
        return True

    def begin(self, snapshot: Snapshot) -> None:
        """Begin anew from *snapshot*; what is known to be later stays.

        The compacted balances of an account may be late until they are published again.
        """
        self.balances = {
            username: self._later(state) for username, state in snapshot.balances.items()
        }
        self.positions = dict(snapshot.positions)
        self._unsaved = True
        self.save()

    def snapshot(self) -> Snapshot:
        """Return where to follow from: repeats of what is known are dropped, gaps are seen."""
        return Snapshot(balances=dict(self.balances), positions=dict(self.positions))

    def take(self, state: Balances) -> None:
        """Take in one of the compacted balances, unless it is late or a repeat."""
        later = self._later(state)
        if later is not self.balances.get(state.username):
            self.balances[state.username] = later
            self._unsaved = True

    def _later(self, state: Balances) -> Balances:
        known = self.balances.get(state.username)
        # Usernames are never given out twice: another account is one of a service set up anew.
        if known is None or known.account_id != state.account_id:
            return state
        return known if known.sequence >= state.sequence else state

    def apply(self, received: Received[Entry]) -> bool:
        """Take in one event; return whether it was not in the balances yet."""
        entry = received.message
        known = self.balances.get(entry.username)
        self.positions[received.partition] = received.next_offset
        self._unsaved = True
        if known is not None and known.sequence >= entry.sequence:
            return False
        self.balances[entry.username] = Balances(
            username=entry.username,
            account_id=entry.account_id,
            sequence=entry.sequence,
            balances={**(known.balances if known else {}), **entry.balances},
            changed_at=entry.occurred_at,
            hash=entry.hash,
        )
        return True

    def save(self) -> None:
        """Write the file, whole or not at all: a crash leaves the one before."""
        if not self._unsaved:
            return
        stored = Stored(
            balances=self.balances,
            positions=[
                Position(topic=place.topic, partition=place.partition, offset=offset)
                for place, offset in self.positions.items()
            ],
        )
        draft = self._file.with_name(f"{self._file.name}.new")
        with draft.open("w", encoding="utf-8") as opened:
            opened.write(stored.model_dump_json())
            opened.flush()
            os.fsync(opened.fileno())
        draft.replace(self._file)
        self._unsaved = False


async def follow(accounts: Follows, portfolio: Portfolio) -> None:
    """Keep *portfolio* up to date, for ever."""
    if not portfolio.load():
        portfolio.begin(await accounts.snapshot())
    try:
        async with asyncio.TaskGroup() as tasks:
            beside = [
                tasks.create_task(_saved_again_and_again(portfolio)),
                tasks.create_task(_states_followed(accounts, portfolio)),
            ]
            while not await _followed(accounts, portfolio):
                portfolio.begin(await accounts.snapshot())
            for task in beside:
                task.cancel()
    finally:
        portfolio.save()


async def _saved_again_and_again(portfolio: Portfolio) -> None:
    while True:
        await asyncio.sleep(SAVED_EVERY_S)
        portfolio.save()


async def _states_followed(accounts: Follows, portfolio: Portfolio) -> None:
    # All of them, each time: they mend what a late state or a lost event left behind.
    async with accounts.reader(topics.BALANCES, "beginning") as reader:
        async for record in reader.records():
            if record.value is not None:
                portfolio.take(received(record, Balances).message)


async def _followed(accounts: Follows, portfolio: Portfolio) -> bool:
    """Follow until the client is closed; return False where the balances must be read anew."""
    try:
        async for event in accounts.follow_balance_events(portfolio.snapshot()):
            if portfolio.apply(event):
                _print(event.message)
    except (SequenceGapError, OffsetOutOfRangeError) as gap:
        # Away for longer than events are kept, or something was lost.
        print(f"beginning anew: {gap}")
        return False
    return True


def _print(entry: Entry) -> None:
    for currency, balance in entry.balances.items():
        print(f"{entry.username} #{entry.sequence}: {balance.posted} {currency}")


async def main(bootstrap: str, file: Path) -> None:
    """Follow the service at *bootstrap*."""
    async with AccountsClient(bootstrap) as accounts:
        await follow(accounts, Portfolio(file))


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
