"""A stored document that cannot be understood is a value beside the others, in every adapter."""

from collections.abc import Awaitable, Callable

import pytest

from handlers.history.pages import EntryQuery
from handlers.model.corrupt import CorruptDocument
from handlers.model.unpublished import EntryRange
from storage.memory.ledger import MemoryLedger
from storage.memory.reads import MemoryReads
from storage.mongo.client import DURABLE
from storage.mongo.reads import MongoReads
from storage.ports.errors import CorruptDocumentError
from storage.ports.reads import Reads
from tests.builders import an_account, an_outcome
from tests.ports.conftest import Store
from tests.ports.written import write

ALICE = CorruptDocument(
    collection="accounts", id="alice", username="alice", field="balances.0.posted_minor"
)
ENTRY = an_outcome("alice", sequence=1)
SPOILT_ENTRY = CorruptDocument(
    collection="outcomes", id=ENTRY.id, username="alice", field="entry.after_minor"
)

Spoil = Callable[[CorruptDocument], Awaitable[None]]


@pytest.fixture
async def spoil(store: Store) -> Spoil:
    """Return what damages one field of a stored document; alice and bob are stored, an entry each."""
    await write(
        store.ledger,
        accounts=[an_account(name, posted_minor=1000, sequence=1) for name in ("alice", "bob")],
        outcomes=[ENTRY, an_outcome("bob", sequence=1)],
    )

    async def damage(document: CorruptDocument) -> None:
        if isinstance(store.ledger, MemoryLedger):
            store.ledger.corrupt[document.collection, document.id] = document
            return
        assert store.client is not None
        update = {"q": {"_id": document.id}, "u": {"$set": {document.field: -100}}}
        await store.client.run(
            {"update": document.collection, "updates": [update], "writeConcern": DURABLE}
        )

    return damage


@pytest.fixture
def reads(store: Store) -> Reads:
    """Return what queries read."""
    if isinstance(store.ledger, MemoryLedger):
        return MemoryReads(store.ledger)
    assert store.client is not None
    return MongoReads(store.client)


async def test_an_account_costs_no_other(store: Store, spoil: Spoil) -> None:
    await spoil(ALICE)

    async with store.ledger.transaction() as transaction:
        found = await transaction.accounts(["alice", "bob", "carol"])
    page = await store.ledger.page(after="", limit=10)

    assert found["alice"] == ALICE
    assert [getattr(each, "username", None) for each in found.values()].count("bob") == 1
    assert page[0] == ALICE
    assert not isinstance(page[1], CorruptDocument)


async def test_an_entry_costs_no_other(store: Store, spoil: Spoil) -> None:
    await spoil(SPOILT_ENTRY)
    both = [EntryRange(username=name, after=0, up_to=1) for name in ("alice", "bob")]

    async with store.ledger.transaction() as transaction:
        entries = await transaction.entries(both)
        outcomes = await transaction.outcomes([ENTRY.id])
    history = [each async for each in store.ledger.history()]

    assert [isinstance(each, CorruptDocument) for each in entries] == [True, False]
    assert history[0] == entries[0] == outcomes[ENTRY.id] == SPOILT_ENTRY
    assert not isinstance(history[1], CorruptDocument)


async def test_asked_for_alone_it_is_an_error_that_names_it(
    store: Store, spoil: Spoil, reads: Reads
) -> None:
    await spoil(ALICE)
    await spoil(SPOILT_ENTRY)

    with pytest.raises(CorruptDocumentError) as of_ledger:
        await store.ledger.account("alice")
    with pytest.raises(CorruptDocumentError) as of_account:
        await reads.accounts(["bob", "alice"])
    with pytest.raises(CorruptDocumentError) as of_outcome:
        await reads.outcomes([ENTRY.id])
    with pytest.raises(CorruptDocumentError) as of_entries:
        await reads.entries(EntryQuery(username="alice", order="newest", past=None, limit=5))

    assert of_ledger.value.document == of_account.value.document == ALICE
    assert of_outcome.value.document == of_entries.value.document == SPOILT_ENTRY
