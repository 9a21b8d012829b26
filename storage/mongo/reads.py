"""What queries read from MongoDB: outside of a transaction, and only what no election can undo."""

from collections.abc import Collection, Mapping, Sequence

from handlers.history.pages import EntryQuery
from handlers.model.account import Account
from handlers.model.outcome import Outcome
from storage.mongo.client import MAJORITY, MongoClient
from storage.mongo.documents.accounts import Document
from storage.mongo.documents.stored import to_account
from storage.mongo.documents.stored_outcomes import to_outcome
from storage.mongo.schema import ENTRIES_INDEX


class MongoReads:
    """One command for each call: the driver asks the primary, with majority read concern.

    Documents are read whole: they are small, and to leave fields out by a projection was measured
    to take as long.
    """

    def __init__(self, client: MongoClient) -> None:
        self._client = client

    async def accounts(self, usernames: Collection[str]) -> Mapping[str, Account]:
        """Return the accounts that exist."""
        found = await self._by_id("accounts", usernames)
        macs = self._client.macs()
        return {document["_id"]: to_account(document, macs) for document in found}

    async def outcomes(self, ids: Collection[str]) -> Mapping[str, Outcome]:
        """Return the decisions recorded, by `Outcome.id`."""
        found = await self._by_id("outcomes", ids)
        return {document["_id"]: to_outcome(document) for document in found}

    async def entries(self, stretch: EntryQuery) -> Sequence[Outcome]:
        """Return the outcomes of *stretch* by the index of entries, whatever their place in it."""
        newest = stretch.order == "newest"
        # The index holds only outcomes with a sequence, so every query has to ask for one.
        places: Document = {"$gt": 0}
        if stretch.past is not None:
            places |= {"$lt": stretch.past} if newest else {"$gt": stretch.past}
        direction = -1 if newest else 1
        query: Document = {"username": stretch.username, "sequence": places}
        order = {"username": direction, "sequence": direction}
        hint: Document = {"hint": ENTRIES_INDEX}
        found = await self._client.page("outcomes", query, order, stretch.limit, hint)
        return [to_outcome(document) for document in found]

    async def _by_id(self, collection: str, ids: Collection[str]) -> list[Document]:
        if not ids:
            return []
        command: Document = {
            "find": collection,
            "filter": {"_id": {"$in": list(ids)}},
            "batchSize": len(ids),
            "singleBatch": True,
            "readConcern": MAJORITY,
        }
        return (await self._client.run(command))["cursor"]["firstBatch"]
