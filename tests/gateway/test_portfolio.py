"""The portfolio is right through repeats, gaps, crashes and restarts."""

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import OffsetOutOfRangeError

from client import Received, Snapshot
from client.sequences import Sequences
from contracts.events import BalanceChanged, Balances, BalanceState
from examples import portfolio as example
from examples.portfolio import Portfolio, follow
from tests.faults.promises import eventually

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


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "portfolio.json"


def stored(file: Path) -> dict[str, Balances]:
    """Return what the file holds."""
    portfolio = Portfolio(file)
    assert portfolio.load()
    return portfolio.balances


async def stored_after(service: Service, file: Path) -> dict[str, Balances]:
    """Follow to the end with what the file holds; return what it holds then."""
    await follow(service, Portfolio(file))
    portfolio = Portfolio(file)
    assert portfolio.load()
    assert portfolio.positions == {PLACE: len(service.log)}
    return portfolio.balances


def written(file: Path, content: bytes) -> None:
    file.write_bytes(content)


def content_of(file: Path) -> bytes:
    return file.read_bytes()


async def test_it_begins_with_the_balances_there_are(file: Path) -> None:
    assert await stored_after(Service(EVENTS), file) == balances_of(EVENTS)


async def test_it_takes_each_event_once(file: Path) -> None:
    service = Service(EVENTS[:1])
    await follow(service, Portfolio(file))
    service.log += [EVENTS[0], *EVENTS[1:], EVENTS[2], EVENTS[0], EVENTS[4]]
    service.log.append(an_event(4, "4.00"))

    assert await stored_after(service, file) == balances_of(service.log)
    assert service.snapshots == 1


async def test_it_continues_where_it_stopped(file: Path) -> None:
    service = Service(EVENTS[:2])
    await follow(service, Portfolio(file))
    service.log += EVENTS[2:]

    assert await stored_after(service, file) == balances_of(EVENTS)
    assert service.snapshots == 1


@pytest.mark.parametrize("saved_after", range(6))
async def test_it_is_right_wherever_it_was_killed(file: Path, saved_after: int) -> None:
    service = Service([])
    killed = Portfolio(file)
    killed.begin(await service.snapshot())
    service.log += EVENTS
    events = [event async for event in service.follow_balance_events(killed.snapshot())]
    for event in events[:saved_after]:
        killed.apply(event)
    killed.save()
    for event in events[saved_after:]:
        killed.apply(event)

    assert await stored_after(service, file) == balances_of(EVENTS)
    assert service.snapshots == 1


async def test_it_is_written_while_it_waits_for_more(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(example, "SAVED_EVERY_S", 0.01)
    service = Service([])
    portfolio = Portfolio(file)
    portfolio.begin(await service.snapshot())
    service.log += EVENTS
    service.waits = True
    following = asyncio.create_task(follow(service, portfolio))

    await eventually(lambda: stored(file) == balances_of(EVENTS), "the file is written", 10)

    following.cancel()
    await asyncio.gather(following, return_exceptions=True)


async def test_it_begins_anew_where_an_event_is_missing(file: Path) -> None:
    service = Service(EVENTS[:2])
    await follow(service, Portfolio(file))
    service.log += EVENTS[2:]
    service.lost = {2}

    assert await stored_after(service, file) == balances_of(EVENTS)
    assert service.snapshots == 2


async def test_it_begins_anew_where_the_events_are_no_longer_kept(file: Path) -> None:
    service = Service(EVENTS[:2])
    await follow(service, Portfolio(file))
    service.log += EVENTS[2:]
    service.kept_from = 4

    assert await stored_after(service, file) == balances_of(EVENTS)
    assert service.snapshots == 2


@pytest.mark.parametrize("content", [b"", b"{", b'{"balances": {}}', b"\xff"])
async def test_it_begins_anew_where_the_file_is_broken(file: Path, content: bytes) -> None:
    written(file, content)

    assert await stored_after(Service(EVENTS), file) == balances_of(EVENTS)


async def test_a_crash_in_the_middle_of_a_write_leaves_the_file_before(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = Service(EVENTS[:2])
    await follow(service, Portfolio(file))
    before = content_of(file)
    portfolio = Portfolio(file)
    portfolio.load()

    def crash(_descriptor: int) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(os, "fsync", crash)
    with pytest.raises(OSError, match="no space"):
        portfolio.begin(await Service(EVENTS).snapshot())

    assert content_of(file) == before
