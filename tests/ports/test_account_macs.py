"""Accounts in MongoDB are authenticated, with the key in use, and those of before are taken in (P18)."""

from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import uuid4

import pytest

from handlers.model.account import BOOKED, Account
from handlers.model.corrupt import CorruptDocument
from storage.mongo.client import DURABLE, MongoClient
from storage.mongo.data_schema import MongoDataSchema
from storage.mongo.documents.accounts import Document
from storage.mongo.houses import MongoHouses
from storage.mongo.ledger import MongoLedger
from tests.builders import NOON, an_account
from tests.macs import FixedKeys, a_key
from tests.ports.simulated import connected, options_of
from tests.ports.written import write


@pytest.fixture
def keys() -> FixedKeys:
    return FixedKeys("old")


@pytest.fixture(params=["simulated", pytest.param("pymongo", marks=pytest.mark.mongo)])
async def client(request: pytest.FixtureRequest, keys: FixedKeys) -> AsyncIterator[MongoClient]:
    """Yield a connection to a database of its own, in which nothing was ever stored."""
    name = f"ports-{uuid4().hex}"
    client = connected(replace(options_of(request), database=name, account_keys=keys))
    await MongoLedger(client).prepare()
    yield client
    await client.run({"dropDatabase": 1})
    await client.close()


async def edit(client: MongoClient, username: str, change: Document) -> None:
    stored: Document = {"q": {"_id": username}, "u": change}
    await client.run({"update": "accounts", "updates": [stored], "writeConcern": DURABLE})


async def accounts(client: MongoClient) -> dict[str, Account | CorruptDocument]:
    """Return what another process, which starts now, reads."""
    other = connected(client.options)
    await MongoDataSchema(other).check()
    page = await MongoLedger(other).page(after="", limit=9)
    await other.close()
    return {one.username: one for one in page}


async def kept(client: MongoClient) -> MongoHouses:
    """Have the housekeeper go through all accounts."""
    houses = MongoHouses(client)
    await houses.take_in(after="", limit=9, at=NOON)
    if not (await houses.totals()).other_key:
        await houses.note_macs()
    return houses


async def of_before(client: MongoClient, *usernames: str) -> None:
    """Store accounts as the release before did."""
    await write(MongoLedger(client), accounts=[an_account(name) for name in usernames])
    for name in usernames:
        await edit(client, name, {"$unset": {"mac": "", "books": "", "head": ""}})


async def test_one_that_was_edited_is_unreadable_and_no_other(client: MongoClient) -> None:
    await write(MongoLedger(client), accounts=[an_account(name) for name in ("alice", "bob")])
    await edit(client, "alice", {"$set": {"sequence": 9}})

    found = await accounts(client)

    assert found["alice"] == CorruptDocument(
        collection="accounts", id="alice", username="alice", field="mac"
    )
    assert isinstance(found["bob"], Account)


async def test_those_of_before_are_read_until_all_have_one(client: MongoClient) -> None:
    await of_before(client, "alice", "bob")
    await MongoDataSchema(client).begin()
    assert all(isinstance(one, Account) for one in (await accounts(client)).values())
    assert (await MongoHouses(client).totals()).other_key == 2

    houses = await kept(client)
    read = await accounts(client)
    await edit(client, "bob", {"$unset": {"mac": "", "books": "", "head": ""}})
    removed = await accounts(client)

    assert (await houses.totals()).other_key == 1
    assert [one.books for one in read.values() if isinstance(one, Account)] == [BOOKED, BOOKED]
    assert isinstance(removed["alice"], Account)
    assert isinstance(removed["bob"], CorruptDocument)


async def test_where_nothing_was_stored_none_may_ever_lack(client: MongoClient) -> None:
    await MongoDataSchema(client).begin()
    await of_before(client, "alice")

    assert isinstance((await accounts(client))["alice"], CorruptDocument)


async def test_one_that_cannot_be_read_keeps_the_others_waiting(client: MongoClient) -> None:
    """Until it is repaired nobody says that all are authenticated."""
    await of_before(client, "alice", "bob")
    await MongoDataSchema(client).begin()
    await edit(client, "alice", {"$set": {"sequence": -1}})

    await kept(client)
    await edit(client, "bob", {"$unset": {"mac": "", "books": ""}})

    assert isinstance((await accounts(client))["bob"], Account)


async def test_a_new_key_takes_the_place_of_the_old_one(
    client: MongoClient, keys: FixedKeys
) -> None:
    await write(MongoLedger(client), accounts=[an_account(posted_minor=5)])
    before = (await accounts(client))["alice"]
    keys.keys = [a_key("new"), a_key("old")]
    assert (await MongoHouses(client).totals()).other_key == 1

    houses = await kept(client)
    keys.keys = [a_key("new")]
    after = (await accounts(client))["alice"]

    assert isinstance(before, Account)
    assert isinstance(after, Account)
    assert (await houses.totals()).other_key == 0
    assert (after.version, after.balances) == (before.version + 1, before.balances)
