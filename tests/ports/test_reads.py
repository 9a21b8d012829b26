"""What every adapter of reads sees of what a ledger has committed."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from msgspec.structs import replace

from handlers.history.pages import EntryQuery, Order
from handlers.model.account import Balance
from handlers.model.outcome import Outcome
from storage.memory.ledger import MemoryLedger
from storage.memory.reads import MemoryReads
from storage.mongo.client import MongoOptions
from storage.mongo.reads import MongoReads
from storage.ports.ledger import Ledger
from storage.ports.reads import Reads
from tests.builders import an_account, an_outcome, some_changes
from tests.ports.conftest import Store
from tests.ports.simulated import connected
from tests.ports.written import write

OPERATORS = ("$where", '{"$gt": ""}', "alice:$ne", "$", "alice.command")


@pytest.fixture
async def reads(store: Store, options: MongoOptions | None) -> AsyncIterator[Reads]:
    """Yield each adapter, over a connection of its own: the query worker may run apart."""
    if options is None:
        assert isinstance(store.ledger, MemoryLedger)
        yield MemoryReads(store.ledger)
        return
    client = connected(options)
    yield MongoReads(client)
    await client.close()


def a_stretch(username: str, order: Order, past: int | None, limit: int = 100) -> EntryQuery:
    return EntryQuery(username=username, order=order, past=past, limit=limit)


def sequences(outcomes: Any) -> list[int]:
    return [outcome.entry.sequence for outcome in outcomes]


async def with_entries(ledger: Ledger, **counts: int) -> list[Outcome]:
    """Write that many entries of each user, last one first, and a refusal without one."""
    entries = [
        an_outcome(username, sequence=sequence)
        for username, count in counts.items()
        for sequence in range(count, 0, -1)
    ]
    refused = [an_outcome(username, "no entry") for username in counts]
    await write(ledger, outcomes=[*entries, *refused])
    return entries


async def test_accounts_are_found_by_name(store: Store, reads: Reads) -> None:
    balances = {"USD": Balance(posted_minor=1, scale=2), "JPY": Balance(posted_minor=5, scale=0)}
    alice, bob = an_account("alice", balances=balances), an_account("bob")
    await write(store.ledger, accounts=[alice, bob, an_account("carol")])

    found = await reads.accounts({"alice", "bob", "nobody"})

    assert found == {"alice": alice, "bob": bob}


async def test_outcomes_are_found_by_user_and_command(store: Store, reads: Reads) -> None:
    entry, refused = an_outcome("alice", sequence=1), an_outcome("bob", "one: two")
    await write(store.ledger, outcomes=[entry, refused, an_outcome("alice", "one: two")])

    found = await reads.outcomes({entry.id, refused.id, "bob:command-1"})

    assert found == {entry.id: entry, refused.id: refused}


async def test_nothing_asked_is_nothing_found(reads: Reads) -> None:
    assert await reads.accounts([]) == {}
    assert await reads.outcomes([]) == {}


async def test_hundreds_are_found_at_once(store: Store, reads: Reads) -> None:
    accounts = [an_account(f"user-{number:03}") for number in range(450)]
    await write(store.ledger, accounts=accounts)

    found = await reads.accounts({account.username for account in accounts})

    assert len(found) == 450


@pytest.mark.parametrize(
    ("order", "past", "limit", "expected"),
    [
        ("newest", None, 100, [5, 4, 3, 2, 1]),
        ("newest", None, 2, [5, 4]),
        ("newest", 5, 100, [4, 3, 2, 1]),
        ("newest", 3, 1, [2]),
        ("newest", 2, 100, [1]),
        ("newest", 1, 100, []),
        ("newest", 99, 2, [5, 4]),
        ("oldest", None, 100, [1, 2, 3, 4, 5]),
        ("oldest", None, 2, [1, 2]),
        ("oldest", 1, 3, [2, 3, 4]),
        ("oldest", 4, 100, [5]),
        ("oldest", 5, 100, []),
        ("oldest", 99, 100, []),
    ],
)
async def test_a_stretch_lies_behind_its_sequence(
    store: Store, reads: Reads, order: Order, past: int | None, limit: int, expected: list[int]
) -> None:
    await with_entries(store.ledger, alice=9, bob=5, carol=9)

    found = await reads.entries(a_stretch("bob", order, past, limit))

    assert sequences(found) == expected


@pytest.mark.parametrize("order", ["newest", "oldest"])
async def test_entries_come_whole(store: Store, reads: Reads, order: Order) -> None:
    written = replace(
        an_outcome("alice", sequence=1),
        metadata=(("a", "1"), ("$b", "2")),
        reason="a reason",
        related_id="order-1",
    )
    await write(store.ledger, outcomes=[written])

    found = await reads.entries(a_stretch("alice", order, None))

    assert list(found) == [written]


@pytest.mark.parametrize("order", ["newest", "oldest"])
async def test_an_account_without_entries_has_no_history(
    store: Store, reads: Reads, order: Order
) -> None:
    await with_entries(store.ledger, alice=2)
    await write(store.ledger, outcomes=[an_outcome("bob", "refused")])

    assert list(await reads.entries(a_stretch("bob", order, None))) == []


async def test_what_was_committed_is_seen_at_once(store: Store, reads: Reads) -> None:
    """A read after a result sees that result: results go out after the commit."""
    for sequence in range(1, 21):
        account = an_account(posted_minor=sequence, sequence=sequence, version=sequence)
        outcome = an_outcome(sequence=sequence)
        await write(store.ledger, accounts=[account], outcomes=[outcome])

        newest = await reads.entries(a_stretch("alice", "newest", None, 1))

        assert await reads.accounts(["alice"]) == {"alice": account}
        assert await reads.outcomes([outcome.id]) == {outcome.id: outcome}
        assert list(newest) == [outcome]


async def test_what_is_not_committed_is_not_seen(store: Store, reads: Reads) -> None:
    async with store.ledger.transaction() as transaction:
        await transaction.apply(
            some_changes(accounts=[an_account()], outcomes=[an_outcome(sequence=1)])
        )

        assert await reads.accounts(["alice"]) == {}
        assert list(await reads.entries(a_stretch("alice", "newest", None))) == []


@pytest.mark.parametrize("text", OPERATORS)
async def test_operators_are_only_text(store: Store, reads: Reads, text: str) -> None:
    await write(store.ledger, accounts=[an_account()])
    await with_entries(store.ledger, alice=2)

    assert await reads.accounts([text]) == {}
    assert await reads.outcomes([text, f"alice:{text}"]) == {}
    assert list(await reads.entries(a_stretch(text, "newest", None))) == []


async def test_an_id_that_looks_like_an_operator_is_found(store: Store, reads: Reads) -> None:
    odd = [an_outcome("alice", text) for text in OPERATORS]
    await write(store.ledger, outcomes=odd)

    found = await reads.outcomes([outcome.id for outcome in odd])

    assert found == {outcome.id: outcome for outcome in odd}
