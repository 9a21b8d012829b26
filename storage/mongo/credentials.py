"""Password hashes in MongoDB, and the registrations that wait for theirs."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from storage.mongo.client import DURABLE, MAJORITY, MongoClient
from storage.mongo.documents.accounts import Document
from storage.mongo.documents.identities import from_credential
from storage.mongo.errors import DUPLICATE_KEY
from storage.ports.credentials import Credential


class MongoCredentials:
    """One document per user, inserted once and never overwritten by a registration."""

    def __init__(self, client: MongoClient) -> None:
        self._client = client

    async def existing(self, usernames: Collection[str]) -> Mapping[str, str]:
        """Return those of *usernames* that have a credential, and which command set it."""
        if not usernames:
            return {}
        command: Document = {
            "find": "credentials",
            "filter": {"_id": {"$in": list(usernames)}},
            "projection": {"command_id": 1},
            "batchSize": len(usernames),
            "singleBatch": True,
            "readConcern": MAJORITY,
        }
        reply = await self._client.run(command)
        return {each["_id"]: each.get("command_id", "") for each in reply["cursor"]["firstBatch"]}

    async def insert(self, credentials: Sequence[Credential]) -> None:
        """Store each durably unless its user has one; the waiting registration is done."""
        if not credentials:
            return
        command: Document = {
            "insert": "credentials",
            "documents": [from_credential(each) for each in credentials],
            "ordered": False,
            "writeConcern": DURABLE,
        }
        await self._client.run(command, ignored=DUPLICATE_KEY)
        await self.settle([each.username for each in credentials])

    async def settle(self, usernames: Collection[str]) -> None:
        """Take *usernames*, which have a credential, off the waiting registrations."""
        if not usernames:
            return
        deletes = [{"q": {"_id": {"$in": list(usernames)}}, "limit": 0}]
        await self._client.run(
            {"delete": "registrations", "deletes": deletes, "writeConcern": DURABLE}
        )

    async def count_pending(self, *, opened_before: datetime) -> int:
        """Return how many accounts opened before then still wait for their credential."""
        waiting = {"opened_at": {"$lt": opened_before}}
        return (await self._client.run({"count": "registrations", "query": waiting}))["n"]
