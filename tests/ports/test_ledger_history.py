"""How entries are read back from every ledger: owed ranges, history, pages."""

from collections.abc import Sequence

import pytest

import storage.mongo.ledger
from handlers.model.outcome import Outcome
from storage.memory.ledger import MemoryLedger
from storage.mongo.ledger import MongoLedger
from storage.ports.ledger import EntryRange, Ledger
from tests.builders import an_account, an_outcome, readable
from tests.ports.written import write


def places(outcomes: Sequence[Outcome]) -> list[tuple[str, int]]:
    return [(each.username, each.entry.sequence) for each in outcomes if each.entry]


async def with_entries(ledger: Ledger, **counts: int) -> None:
    outcomes = [
        an_outcome(username, sequence=sequence)
        for username, count in counts.items()
        for sequence in range(count, 0, -1)
    ]
    refused = [an_outcome(username, "no entry") for username in counts]
    await write(ledger, outcomes=[*outcomes, *refused])


def a_range(username: str, after: int, up_to: int) -> EntryRange:
    return EntryRange(username=username, after=after, up_to=up_to)


@pytest.mark.parametrize(
    ("ranges", "expected"),
    [
        ([a_range("bob", 0, 0)], []),
        ([a_range("bob", 0, 1)], [("bob", 1)]),
        ([a_range("bob", 1, 3)], [("bob", 2), ("bob", 3)]),
        ([a_range("bob", 4, 9)], [("bob", 5)]),
        ([a_range("bob", 5, 9)], []),
        ([a_range("nobody", 0, 9)], []),
        (
            [a_range("carol", 10, 12), a_range("alice", 0, 2), a_range("bob", 2, 3)],
            [("alice", 1), ("alice", 2), ("bob", 3), ("carol", 11), ("carol", 12)],
        ),
    ],
)
async def test_owed_entries_come_in_order(
    ledger: Ledger, ranges: list[EntryRange], expected: list[tuple[str, int]]
) -> None:
    """P5."""
    await with_entries(ledger, carol=12, alice=3, bob=5)

    async with ledger.transaction() as transaction:
        found = await transaction.entries(ranges)

    assert places(readable(found)) == expected


async def test_hundreds_of_ranges_are_read_at_once(ledger: Ledger) -> None:
    usernames = [f"user-{number:03}" for number in range(450)]
    await with_entries(ledger, **dict.fromkeys(usernames, 2))

    async with ledger.transaction() as transaction:
        found = await transaction.entries([a_range(username, 1, 2) for username in usernames])

    assert places(readable(found)) == [(username, 2) for username in usernames]


@pytest.mark.parametrize(
    ("after", "up_to", "expected"),
    [
        ("", None, ["alice", "bob", "carol"]),
        ("alice", None, ["bob", "carol"]),
        ("", "bob", ["alice", "bob"]),
        ("alic", "bobb", ["alice", "bob"]),
        ("alice", "bob", ["bob"]),
        ("carol", None, []),
        ("bob", "bob", []),
    ],
)
async def test_history_is_every_entry_of_some_users_in_order(
    ledger: Ledger, after: str, up_to: str | None, expected: list[str]
) -> None:
    await with_entries(ledger, carol=11, alice=2, bob=3)
    counts = {"alice": 2, "bob": 3, "carol": 11}

    found = [outcome async for outcome in ledger.history(after=after, up_to=up_to)]

    assert places(readable(found)) == [
        (username, sequence) for username in expected for sequence in range(1, counts[username] + 1)
    ]


@pytest.mark.parametrize("page_outcomes", [1, 2, 3, 16, 17])
async def test_history_has_no_gap_between_its_pages(
    ledger: MongoLedger | MemoryLedger, page_outcomes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage.mongo.ledger, "PAGE_OUTCOMES_MAX", page_outcomes)
    await with_entries(ledger, carol=11, alice=2, bob=3)

    found = [outcome async for outcome in ledger.history(after="alic", up_to="carol")]

    assert len(found) == 16
    assert places(readable(found)) == sorted(places(readable(found)))


async def test_pages_of_accounts_ascend(ledger: Ledger) -> None:
    await write(ledger, accounts=[an_account(name) for name in ("carol", "alice", "bob", "dave")])

    first = await ledger.page(after="", limit=2)
    second = await ledger.page(after="bob", limit=3)
    third = await ledger.page(after="dave", limit=3)

    assert [account.username for account in first] == ["alice", "bob"]
    assert [account.username for account in second] == ["carol", "dave"]
    assert list(third) == []


async def test_fencing_tokens_only_grow(ledger: MongoLedger | MemoryLedger) -> None:
    tokens = [await ledger.next_fencing_token("a-lease") for _ in range(3)]
    other = await ledger.next_fencing_token("another")

    assert tokens == [1, 2, 3]
    assert other == 1
