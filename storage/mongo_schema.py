"""The collections and indexes in MongoDB."""

from contextlib import suppress

from storage.documents import Document
from storage.mongo_client import DURABLE, MongoClient
from storage.ports import LostRaceError

COLLECTIONS = ("accounts", "emails", "outcomes", "registrations", "credentials", "leases")

ENTRIES_INDEX = "entries"

ENTRIES: Document = {
    "name": ENTRIES_INDEX,
    "key": {"username": 1, "sequence": 1},
    "unique": True,
    "partialFilterExpression": {"sequence": {"$exists": True}},
}
"""P5: no two outcomes share a place in an account's history. Also the order history is read in."""


async def prepare(client: MongoClient) -> None:
    """Create what is missing; a transaction should not have to create a collection."""
    listed = await client.run({"listCollections": 1, "nameOnly": True})
    there = {each["name"] for each in listed["cursor"]["firstBatch"]}
    for name in COLLECTIONS:
        if name not in there:
            await _create(client, name)
    await client.run({"createIndexes": "outcomes", "indexes": [ENTRIES], "writeConcern": DURABLE})


async def _create(client: MongoClient, name: str) -> None:
    with suppress(LostRaceError):  # another worker, starting at the same moment, created it
        await client.run({"create": name, "writeConcern": DURABLE})
