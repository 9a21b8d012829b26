"""The collections and indexes in MongoDB."""

from collections.abc import Collection, Mapping
from contextlib import suppress
from datetime import timedelta

from storage.mongo.client import DURABLE, MongoClient
from storage.mongo.documents.accounts import Document
from storage.ports.errors import LostRaceError

COLLECTIONS = (
    *("accounts", "emails", "names", "outcomes", "registrations", "credentials", "leases"),
    *("sessions", "requests", "throttles", "writers", "repairs", "houses"),
    *("schema", "processes"),
)

ENTRIES_INDEX = "entries"

ENTRIES: Document = {
    "name": ENTRIES_INDEX,
    "key": {"username": 1, "sequence": 1},
    "unique": True,
    "partialFilterExpression": {"sequence": {"$exists": True}},
}
"""P5: no two outcomes share a place in an account's history. Also the order history is read in."""

SESSIONS_INDEX = "sessions"

SESSIONS: Document = {"name": SESSIONS_INDEX, "key": {"username": 1, "_id": 1}}
"""The sessions of one user, in the order their pages are read in."""

SESSION_KEPT = timedelta(days=1)
"""How long a session is kept after its end by itself: longer than any message about it waits."""


def _expiring(after: timedelta = timedelta(0)) -> Document:
    return {
        "name": "expiry",
        "key": {"expires_at": 1},
        "expireAfterSeconds": int(after.total_seconds()),
    }


INDEXES: Mapping[str, tuple[Document, ...]] = {
    "outcomes": (ENTRIES,),
    "sessions": (SESSIONS, _expiring(SESSION_KEPT)),
    "requests": (_expiring(),),
    "throttles": (_expiring(),),
    "writers": (_expiring(),),
    "processes": (_expiring(),),
}
"""By collection. The server deletes what has expired about once a minute."""


async def prepare(client: MongoClient) -> None:
    """Create what is missing; a transaction should not have to create a collection."""
    listed = await client.run(
        {"listCollections": 1, "nameOnly": True, "authorizedCollections": True}
    )
    there = {each["name"] for each in listed["cursor"]["firstBatch"]}
    for name in COLLECTIONS:
        if name not in there:
            await _create(client, name)
    for collection, index in await missing(client):
        # One by one, so that one that cannot be is the first one missing.
        await client.run({"createIndexes": collection, "indexes": [index], "writeConcern": DURABLE})


async def missing(
    client: MongoClient, collections: Collection[str] = ()
) -> list[tuple[str, Document]]:
    """Return the indexes that are not there as they have to be, of *collections* or of all."""
    found: list[tuple[str, Document]] = []
    for collection, indexes in INDEXES.items():
        if collections and collection not in collections:
            continue
        listed = (await client.run({"listIndexes": collection}))["cursor"]["firstBatch"]
        found += [
            (collection, each) for each in indexes if not any(_is(each, one) for one in listed)
        ]
    return found


def _is(index: Document, listed: Document) -> bool:
    return all(listed.get(name) == value for name, value in index.items())


async def _create(client: MongoClient, name: str) -> None:
    with suppress(LostRaceError):  # another worker, starting at the same moment, created it
        await client.run({"create": name, "writeConcern": DURABLE})
