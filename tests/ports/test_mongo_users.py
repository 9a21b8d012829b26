"""deploy/mongodb_users.py: each role can do its work on a MongoDB with authentication, and no more."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from pymongo import MongoClient as PlainClient

from devstack.ports import HOST
from devstack.stack import StackOptions, start_stack
from handlers.identity.throttling import ThrottleRule
from handlers.model.account import NOT_BOOKED
from handlers.model.schema import NEWEST
from storage.mongo.checks import check
from storage.mongo.client import MongoClient, MongoOptions
from storage.mongo.credentials import MongoCredentials
from storage.mongo.data_schema import MongoDataSchema
from storage.mongo.documents.accounts import Document
from storage.mongo.errors import NotAllowedError
from storage.mongo.houses import MongoHouses
from storage.mongo.identities import MongoIdentities
from storage.mongo.ledger import MongoLedger
from storage.mongo.reads import MongoReads
from storage.mongo.schema import COLLECTIONS
from storage.mongo.throttles import MongoThrottles
from storage.ports.data_schema import SchemaUpgrade
from storage.ports.identity import IdentityChanges
from tests.builders import NOON, a_row, an_account, an_outcome
from tests.identity_builders import a_credential, a_session, an_answered
from tests.macs import KEYS
from tests.places import REPOSITORY
from tests.ports.test_data_schema import a_process
from tests.ports.written import book, write

pytestmark = pytest.mark.mongo

SCRIPT = REPOSITORY / "deploy" / "mongodb_users.py"
ROLES = ("ledger", "identity", "query", "housekeeper", "operator", "repairer", "worker")
WORKERS = ("ledger", "identity", "housekeeper", "worker")
PASSWORD = "only-in-this-test"
SAME = SchemaUpgrade(before=NEWEST, after=NEWEST, at=NOON, release="this one")


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Yield the port of a server of its own, where nobody does anything without signing in."""
    key_file = tmp_path_factory.mktemp("mongodb") / "key"
    key_file.write_text("c2hhcmVkLWJ5LXRoZS1tZW1iZXJz")
    key_file.chmod(0o600)
    with start_stack(StackOptions(servers=frozenset({"mongodb"}), short_lived=True)) as stack:
        with PlainClient[dict[str, Any]](stack.addresses.mongodb) as client:
            client.admin.command("createUser", "admin", pwd=PASSWORD, roles=["root"])
        stack.mongodb.restart(["--keyFile", str(key_file)])
        for _ in "ab":  # run again, it sets the same anew
            subprocess.run(
                [sys.executable, SCRIPT, _uri(stack.mongodb.port, "admin", "admin"), "books"],
                env=os.environ | {f"MONGODB_PASSWORD_{each.upper()}": PASSWORD for each in ROLES},
                check=True,
            )
        yield stack.mongodb.port


def _uri(port: int, user: str, source: str) -> str:
    return f"mongodb://{user}:{PASSWORD}@{HOST}:{port}/?directConnection=true&authSource={source}"


@pytest.fixture
async def clients(port: int) -> AsyncIterator[dict[str, MongoClient]]:
    """Yield a connection of each role; the ledger worker has made what is missing."""
    found = {
        role: MongoClient(
            MongoOptions(
                account_keys=KEYS, uri=_uri(port, f"accounts-{role}", "books"), database="books"
            )
        )
        for role in ROLES
    }
    await check(found["ledger"])
    yield found
    for client in found.values():
        await client.close()


@pytest.mark.parametrize("role", WORKERS)
async def test_a_worker_that_writes_starts(clients: dict[str, MongoClient], role: str) -> None:
    assert await check(clients[role]) == []


async def test_the_query_worker_starts_and_reads(clients: dict[str, MongoClient]) -> None:
    client = clients["query"]

    assert await check(client, writes=False) == []
    assert not await MongoReads(client).accounts(["nobody"])
    assert not await MongoReads(client).outcomes(["nobody:1"])
    assert not await MongoCredentials(client).existing(["nobody"])


@pytest.mark.parametrize("role", ["query", "operator"])
@pytest.mark.parametrize("collection", COLLECTIONS)
async def test_who_only_reads_writes_nowhere(
    clients: dict[str, MongoClient], role: str, collection: str
) -> None:
    if (role, collection) == ("query", "processes"):
        pytest.skip("it says that it runs")
    for command in _writes(collection):
        with pytest.raises(NotAllowedError):
            await clients[role].run(command)


@pytest.mark.parametrize(
    ("role", "collection"),
    [
        ("ledger", "credentials"),
        ("ledger", "sessions"),
        ("ledger", "throttles"),
        ("identity", "accounts"),
        ("identity", "outcomes"),
        ("identity", "emails"),
        ("housekeeper", "outcomes"),
        ("housekeeper", "credentials"),
    ],
)
async def test_a_worker_writes_nothing_that_is_anothers(
    clients: dict[str, MongoClient], role: str, collection: str
) -> None:
    for command in _writes(collection):
        with pytest.raises(NotAllowedError):
            await clients[role].run(command)


@pytest.mark.parametrize("collection", ["credentials", "sessions", "requests", "throttles"])
async def test_the_ledger_worker_does_not_read_how_users_sign_in(
    clients: dict[str, MongoClient], collection: str
) -> None:
    with pytest.raises(NotAllowedError):
        await clients["ledger"].run({"find": collection})


async def test_the_ledger_worker_does_its_work(clients: dict[str, MongoClient]) -> None:
    ledger = MongoLedger(clients["ledger"])

    await write(ledger, accounts=[an_account()], outcomes=[an_outcome()], registered=[an_account()])
    await book(ledger, a_row())
    await ledger.sign_off("writer", at=NOON)

    assert await ledger.account("alice") == an_account()
    assert await ledger.signed_off(["writer"])


async def test_the_identity_worker_does_its_work(clients: dict[str, MongoClient]) -> None:
    client = clients["identity"]
    await MongoCredentials(client).insert([a_credential("bob")])
    identities, throttles = MongoIdentities(client), MongoThrottles(client)

    await identities.apply(IdentityChanges(answered=an_answered(), opened=[a_session()]))
    await throttles.count("user:bob", rule=ThrottleRule(free=0), now=NOON)
    await throttles.forgive("user:bob", all_of_them=True)

    assert await identities.credential("bob") == a_credential("bob")
    assert await MongoLedger(client).account("nobody") is None


@pytest.mark.parametrize("role", [*WORKERS, "query"])
async def test_every_worker_says_that_it_runs(clients: dict[str, MongoClient], role: str) -> None:
    schema, process = MongoDataSchema(clients[role]), a_process(role)

    assert await schema.announce(process) == await schema.check()
    assert await schema.beat(process)
    assert role in {each.id for each in (await schema.state()).processes}
    await schema.leave(process)


@pytest.mark.parametrize("role", [*WORKERS, "query", "operator"])
async def test_only_the_repairer_upgrades(clients: dict[str, MongoClient], role: str) -> None:
    with pytest.raises(NotAllowedError):
        await MongoDataSchema(clients[role]).upgrade(SAME)

    await MongoDataSchema(clients["repairer"]).upgrade(SAME)


async def test_the_operator_looks_who_runs(clients: dict[str, MongoClient]) -> None:
    assert (await MongoDataSchema(clients["operator"]).state()).number == NEWEST


async def test_the_housekeeper_does_its_work(clients: dict[str, MongoClient]) -> None:
    ledger = MongoLedger(clients["housekeeper"])

    assert await ledger.next_fencing_token("housekeeper") >= 1
    assert await ledger.count_accounts() >= 0
    assert await MongoCredentials(clients["housekeeper"]).count_pending(opened_before=NOON) >= 0


async def test_the_housekeeper_keeps_the_books(clients: dict[str, MongoClient]) -> None:
    old = an_account("old", posted_minor=5, books=NOT_BOOKED)
    await book(MongoLedger(clients["ledger"]), a_row("ended:0", -1), accounts=[old])
    houses = MongoHouses(clients["housekeeper"])

    await houses.merge([a_row("ended:0", -1)], at=NOON)

    assert (await houses.take_in(after="", limit=9, at=NOON)).accounts == 1
    await houses.note_macs()
    assert await MongoHouses(clients["operator"]).totals() == await houses.totals()


async def test_the_housekeeper_neither_makes_nor_deletes_an_account(
    clients: dict[str, MongoClient],
) -> None:
    insert, _, delete, drop = _writes("accounts")
    for command in (insert, delete, drop):
        with pytest.raises(NotAllowedError):
            await clients["housekeeper"].run(command)


async def test_the_ledger_worker_deletes_no_house_row(clients: dict[str, MongoClient]) -> None:
    _, _, delete, drop = _writes("houses")
    for command in (delete, drop):
        with pytest.raises(NotAllowedError):
            await clients["ledger"].run(command)


def _writes(collection: str) -> list[Document]:
    query: Document = {"_id": "x"}
    return [
        {"insert": collection, "documents": [query]},
        {"update": collection, "updates": [{"q": query, "u": {"$set": {"a": 1}}}]},
        {"delete": collection, "deletes": [{"q": query, "limit": 1}]},
        {"drop": collection},
    ]
