"""Accounts and decisions in MongoDB."""

from collections.abc import AsyncIterator, Collection, Sequence
from datetime import datetime, timedelta

from handlers.model.account import Account
from handlers.model.corrupt import CorruptDocument
from handlers.model.outcome import Outcome
from storage.mongo.client import DURABLE, MongoClient
from storage.mongo.documents.accounts import Document
from storage.mongo.documents.leases import to_fencing_token
from storage.mongo.documents.stored import account_or_corrupt, to_account
from storage.mongo.documents.stored_outcomes import outcome_or_corrupt
from storage.mongo.errors import DUPLICATE_KEY, ServerRefusedError
from storage.mongo.schema import ENTRIES_INDEX, prepare
from storage.mongo.transaction import MongoTransaction

SIGNED_OFF_KEPT = timedelta(days=90)
"""An account that rests for longer is looked at as if its last writer had been killed: its events
are compared once more."""

PAGE_OUTCOMES_MAX = 1000
"""Outcomes read at once by `history`: a few MiB at most, however long the history is."""


class MongoLedger:
    """Reads outside of a transaction see only what no election can undo."""

    def __init__(self, client: MongoClient) -> None:
        self._client = client

    async def prepare(self) -> None:
        """Create the collections and indexes that are missing."""
        await prepare(self._client)

    def transaction(self) -> MongoTransaction:
        """Open a snapshot; leaving without `commit` undoes everything."""
        return MongoTransaction(self._client)

    async def account(self, username: str) -> Account | None:
        """Return the account as last committed by a majority."""
        found = await self._client.page("accounts", {"_id": username}, {"_id": 1}, 1)
        return to_account(found[0], self._client.macs()) if found else None

    async def page(self, *, after: str, limit: int) -> Sequence[Account | CorruptDocument]:
        """Return up to *limit* accounts with usernames above *after*, ascending."""
        found = await self._client.page("accounts", {"_id": {"$gt": after}}, {"_id": 1}, limit)
        macs = self._client.macs()
        return [account_or_corrupt(document, macs) for document in found]

    async def history(
        self, *, after: str = "", up_to: str | None = None
    ) -> AsyncIterator[Outcome | CorruptDocument]:
        """Yield outcomes that have an entry, by username, then sequence.

        Each page starts behind the last one's key, so no cursor has to outlive an election.
        """
        usernames: Document = {"$gt": after}
        if up_to is not None:
            usernames["$lte"] = up_to
        query: Document = {"username": usernames, "sequence": {"$gt": 0}}
        order = {"username": 1, "sequence": 1}
        hint: Document = {"hint": ENTRIES_INDEX}
        while found := await self._client.page("outcomes", query, order, PAGE_OUTCOMES_MAX, hint):
            for document in found:
                yield outcome_or_corrupt(document)
            query = _behind(found[-1], usernames)

    async def sign_off(self, writer: str, *, at: datetime) -> None:
        """Note durably that *writer* has published all it wrote, and writes no more."""
        noted: Document = {"_id": writer, "expires_at": at + SIGNED_OFF_KEPT}
        await self._client.run(
            {"insert": "writers", "documents": [noted], "writeConcern": DURABLE},
            ignored=DUPLICATE_KEY,
        )

    async def signed_off(self, writers: Collection[str]) -> Collection[str]:
        """Return those of *writers* that signed off and are not forgotten."""
        found = await self._client.page(
            "writers", {"_id": {"$in": list(writers)}}, {"_id": 1}, len(writers)
        )
        return {document["_id"] for document in found}

    async def count_accounts(self) -> int:
        """Return how many accounts the collection's own counter says there are."""
        return (await self._client.run({"count": "accounts"}))["n"]

    async def count_outcomes(self) -> int:
        """Return how many decisions the collection's own counter says there are."""
        return (await self._client.run({"count": "outcomes"}))["n"]

    async def next_fencing_token(self, name: str) -> int:
        """Return a number higher than any given out for the lease *name* before."""
        command: Document = {
            "findAndModify": "leases",
            "query": {"_id": name},
            "update": {"$inc": {"fencing_token": 1}},
            "upsert": True,
            "new": True,
            "writeConcern": DURABLE,
        }
        try:
            return to_fencing_token((await self._client.run(command))["value"])
        except ServerRefusedError:
            for document in await self._client.page("leases", {"_id": name}, {"_id": 1}, 1):
                to_fencing_token(document)
            raise


def _behind(document: Document, usernames: Document) -> Document:
    """Return what matches every entry after *document*: the rest of its account, then others."""
    username = document["username"]
    return {
        "$or": [
            {"username": username, "sequence": {"$gt": document["sequence"]}},
            {"username": {**usernames, "$gt": username}, "sequence": {"$gt": 0}},
        ]
    }
