"""The portfolio is right through repeats, gaps, crashes and restarts."""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from client import Received, Snapshot
from contracts.entries import Entry
from contracts.events import Balances
from examples import portfolio as example
from examples.portfolio import Portfolio, follow
from tests.faults.promises import eventually
from tests.gateway.fake_events import EVENTS, PLACE, Service, balances_of
from tests.published import NOON, an_entry


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
    service.log.append(an_entry(4, "4.00"))

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


class TestCompactedBalances:
    """They may be late or ahead of the events, and come again and again."""

    async def test_are_followed_beside_the_events(
        self, file: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(example, "SAVED_EVERY_S", 0.01)
        service = Service(EVENTS[:1])
        portfolio = Portfolio(file)
        portfolio.begin(await service.snapshot())
        states = balances_of([*EVENTS, an_entry(4, "4.00")])
        service.states, service.waits = [*states.values()], True
        following = asyncio.create_task(follow(service, portfolio))

        await eventually(lambda: stored(file) == states, "the states are taken in", 10)

        following.cancel()
        await asyncio.gather(following, return_exceptions=True)

    def test_that_are_late_change_nothing(self, file: Path) -> None:
        portfolio = a_portfolio(file, EVENTS)

        for state in balances_of(EVENTS[:2]).values():
            portfolio.take(state)

        assert portfolio.balances == balances_of(EVENTS)

    def test_that_are_late_do_not_take_back_what_is_known(self, file: Path) -> None:
        portfolio = a_portfolio(file, EVENTS)

        portfolio.begin(Snapshot(balances=balances_of(EVENTS[:2]), positions={PLACE: 9}))

        assert portfolio.balances == balances_of(EVENTS)
        assert portfolio.positions == {PLACE: 9}

    def test_of_another_account_replace_what_is_known(self, file: Path) -> None:
        portfolio = a_portfolio(file, EVENTS)
        anew = balances_of(EVENTS[:1])["alice"].model_copy(update={"account_id": "another"})

        portfolio.begin(Snapshot(balances={"alice": anew}, positions={PLACE: 0}))

        assert portfolio.balances == {"alice": anew}

    def test_that_are_ahead_are_not_taken_back_by_events(self, file: Path) -> None:
        ahead = balances_of(EVENTS)
        portfolio = a_portfolio(file, EVENTS[:2])
        for state in ahead.values():
            portfolio.take(state)

        taken = [portfolio.apply(at(offset)) for offset in range(len(EVENTS))]

        assert taken == [False] * len(EVENTS)
        assert portfolio.balances == ahead
        assert portfolio.positions == {PLACE: len(EVENTS)}


def a_portfolio(file: Path, events: Sequence[Entry]) -> Portfolio:
    """Return one that begins with what *events* lead to."""
    portfolio = Portfolio(file)
    portfolio.begin(Snapshot(balances=balances_of(events), positions={PLACE: len(events)}))
    return portfolio


def at(offset: int) -> Received[Entry]:
    return Received(
        message=EVENTS[offset], headers={}, partition=PLACE, offset=offset, appended_at=NOON
    )


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
