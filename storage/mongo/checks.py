"""Whether MongoDB is set up so that what it acknowledges stays."""

from typing import Any

from storage.mongo.client import DURABLE, MongoClient
from storage.mongo.data_schema import MongoDataSchema
from storage.mongo.documents.accounts import Document
from storage.mongo.errors import NotAllowedError
from storage.mongo.schema import missing, prepare
from storage.ports.account_keys import TAG_BYTES
from storage.ports.errors import (
    CorruptDocumentError,
    LostRaceError,
    StoreCheckError,
    StoreUnavailableError,
)

TRANSACTION_LIFETIME_MAX_S = 10
"""A worker that was stopped keeps others from its accounts for as long as its transaction lives."""

NOT_A_REPLICA_SET = (
    "MongoDB is not a replica set, so it has no transactions: start mongod with --replSet and run "
    "rs.initiate() once; one member is enough for a start"
)
NOBODY_CHECKED_THE_JOURNAL = (
    "MongoDB does not let this user read the replica set's configuration, so nobody checked that "
    "majority writes are journalled: grant it clusterMonitor"
)
JOURNAL_IS_OFF = (
    "MongoDB's majority does not wait for the journal: set writeConcernMajorityJournalDefault "
    "to true with rs.reconfig()"
)

ANOTHERS_ACCOUNTS = (
    "no mac key in the keys folder made the MACs of the accounts, so none could be read: take the folder "
    "that the other workers have; if the key is lost, `accounts repair-all` writes all accounts anew"
)

MACS_LOOKED_AT = 100
"""Accounts looked at before a start: enough that a few edited by hand decide nothing."""

READ = ("outcomes",)
"""Collections with an index that reading relies on."""


async def check(client: MongoClient, *, writes: bool = True) -> list[str]:
    """Check MongoDB, create what is missing, and return warnings, one line each.

    Of a process that never *writes* nothing is asked but to read.

    Raises:
        StoreCheckError: It cannot be used as it is; one line that says how to fix it.
    """
    try:
        warnings = await _replica_set(client)
        data = MongoDataSchema(client)
        await data.check()  # before anything is made or written here
        if client.options.account_keys is not None:
            await _readable_accounts(client)
        if writes:
            await _schema(client)
            await _durable_write(client)
            await data.begin()
        else:
            await _present(client)
        return warnings + await _transaction_lifetime(client)
    except (StoreUnavailableError, LostRaceError, CorruptDocumentError) as error:
        raise StoreCheckError(str(error)) from error


async def _replica_set(client: MongoClient) -> list[str]:
    hello = await client.run({"hello": 1}, database="admin")
    if hello.get("msg") == "isdbgrid":
        return []  # a router: its shards are replica sets
    if "setName" not in hello:
        raise StoreCheckError(NOT_A_REPLICA_SET)
    try:
        config = (await client.run({"replSetGetConfig": 1}, database="admin"))["config"]
    except NotAllowedError:
        return [NOBODY_CHECKED_THE_JOURNAL]
    if not config.get("writeConcernMajorityJournalDefault", True):
        raise StoreCheckError(JOURNAL_IS_OFF)
    return []


async def _schema(client: MongoClient) -> None:
    refused = ""
    try:
        await prepare(client)
    except StoreUnavailableError as error:
        refused = f" ({error})"
    for collection, index in await missing(client):
        raise StoreCheckError(_lacks(collection, index, refused))


async def _present(client: MongoClient) -> None:
    """Look at what others make: who may only read cannot."""
    for collection, index in await missing(client, READ):
        raise StoreCheckError(
            f"MongoDB lacks the index {index['name']!r} of {collection}, which this process may not "
            "make: start a ledger worker first"
        )


def _lacks(collection: str, index: Document, refused: str) -> str:
    options = {name: value for name, value in index.items() if name != "key"}
    kind = "unique index" if index.get("unique") else "index"
    return (
        f"MongoDB lacks the {kind} {index['name']!r} of {collection}{refused}: drop any "
        "other index of that name, grant readWrite, or run "
        f"db.{collection}.createIndex({index['key']}, {options}) as its owner"
    )


async def _readable_accounts(client: MongoClient) -> None:
    """Refuse keys that made none of the MACs: every user's commands would become dead letters."""
    known = client.macs().tags
    macs = {"mac": {"$type": "binData"}}
    found = await client.page(
        "accounts", macs, {"_id": 1}, MACS_LOOKED_AT, {"projection": {"mac": 1}}
    )
    if found and not any(document["mac"][:TAG_BYTES] in known for document in found):
        raise StoreCheckError(ANOTHERS_ACCOUNTS)


async def _durable_write(client: MongoClient) -> None:
    """Write with a majority and the journal, and run a transaction: the only real proof."""
    written: Any = {"$currentDate": {"at": True}}  # whatever stands there
    update: Any = {"q": {"_id": "start-up check"}, "u": written, "upsert": True}
    await client.run({"update": "leases", "updates": [update], "writeConcern": DURABLE})
    session = await client.begin()
    try:
        await client.run({"find": "accounts", "limit": 1, "singleBatch": True}, session=session)
    finally:
        await session.abort_transaction()
        await session.end_session()


async def _transaction_lifetime(client: MongoClient) -> list[str]:
    name = "transactionLifetimeLimitSeconds"
    try:
        lifetime_s = (await client.run({"getParameter": 1, name: 1}, database="admin"))[name]
    except NotAllowedError:
        return []
    if lifetime_s <= TRANSACTION_LIFETIME_MAX_S:
        return []
    setting = f"{{setParameter: 1, {name}: {TRANSACTION_LIFETIME_MAX_S}}}"
    warning = (
        f"MongoDB lets a stalled transaction block others for {lifetime_s} s: "
        f"run db.adminCommand({setting}) on each member"
    )
    return [warning]
