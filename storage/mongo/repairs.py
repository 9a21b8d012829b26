"""Damaged accounts in MongoDB, and how they are mended."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from handlers.history.repair import Repair
from handlers.model.changes import EmailClaim
from handlers.model.corrupt import CorruptDocument
from handlers.model.outcome import Outcome
from storage.mongo.client import MongoClient
from storage.mongo.data_schema import readable
from storage.mongo.documents.accounts import Document, from_account
from storage.mongo.documents.houses import added
from storage.mongo.documents.processes import THE_DATA, to_schema
from storage.mongo.documents.repairs import from_repair, to_remains, to_repair
from storage.mongo.documents.stored_outcomes import outcome_or_corrupt
from storage.mongo.inspection import BEYOND, PAGE_MAX
from storage.mongo.work import MongoWork
from storage.ports.errors import LostRaceError
from storage.ports.repairs import FoundAccount, Mending

NAMING = {
    "registrations": ("_id",),
    "credentials": ("_id",),
    "sessions": ("username", "ended_username"),
    "emails": ("username",),
    "names": ("username",),
}
"""Collections whose documents name an account, and the fields that do."""


class MongoRepairs:
    """Each account is replaced only where its version is still what was read, however damaged."""

    def __init__(self, client: MongoClient) -> None:
        self._client = client

    async def find(self, username: str) -> FoundAccount:
        """Return what can be read of the account's document."""
        found = await self._client.page("accounts", {"_id": username}, {"_id": 1}, 1)
        document = found[0] if found else None
        seen: Document | None = None
        if document is not None:
            there = "version" in document
            seen = {"version": {"$eq": document["version"]} if there else {"$exists": False}}
        return FoundAccount(remains=to_remains(document, self._client.macs()), seen=seen)

    async def decisions(self, username: str) -> AsyncIterator[Outcome | CorruptDocument]:
        """Yield one user's accepted outcomes that have no entry, in no order."""
        after = f"{username}:"
        while True:
            query: Document = {
                "_id": {"$gt": after, "$lt": f"{username}{BEYOND}"},
                "sequence": {"$exists": False},
                "code": {"$exists": False},
            }
            found = await self._client.page("outcomes", query, {"_id": 1}, PAGE_MAX)
            for document in found:
                yield outcome_or_corrupt(document)
            if len(found) < PAGE_MAX:
                return
            after = found[-1]["_id"]

    async def repair(self, identifier: str) -> Repair | None:
        """Return the repair with this id."""
        found = await self._client.page("repairs", {"_id": identifier}, {"_id": 1}, 1)
        return to_repair(found[0]) if found else None

    async def apply(self, mending: Mending) -> None:
        """Write *mending* durably."""
        async with _MendingWork(self._client) as work:
            await work.mend(mending)
            await work.commit()


class _MendingWork(MongoWork):
    """One repair in one transaction."""

    async def mend(self, mending: Mending) -> None:
        await self._not_newer()
        await self._as_found(mending)
        await self._release(mending.released)
        await self._insert(
            "emails", [{"_id": each.email, "username": each.username} for each in mending.claimed]
        )
        await self._replace(mending)
        await self._update("houses", [added(row) for row in mending.houses])
        if mending.discarded:
            await self._discard(mending.repair.username)
        await self._insert("repairs", [from_repair(mending.repair)])

    async def _not_newer(self) -> None:
        """Check that the data is not for a later release by now: its documents would look damaged."""
        for document in await self._find("schema", {"_id": THE_DATA}, 1):
            readable(to_schema(document).number)

    async def _as_found(self, mending: Mending) -> None:
        """Check that the account is as it was found, also where it is not written."""
        username, seen = mending.repair.username, mending.seen
        query: Document = {"_id": username, **(seen or {})}
        if bool(await self._find("accounts", query, 1)) is not (seen is not None):
            raise LostRaceError(f"{username} was written since it was read")

    async def _replace(self, mending: Mending) -> None:
        if mending.account is None:
            return
        document = from_account(mending.account, self._client.macs())
        if mending.seen is None:
            await self._insert("accounts", [document])
        else:
            query: Mapping[str, Any] = {"_id": mending.account.username, **mending.seen}
            await self._update("accounts", [{"q": query, "u": document}])

    async def _release(self, released: Sequence[EmailClaim]) -> None:
        deletes: list[Document] = [
            {"q": {"_id": each.email, "username": each.username}, "limit": 1} for each in released
        ]
        if not deletes:
            return
        reply = await self._write({"delete": "emails", "deletes": deletes})
        if reply["n"] != len(deletes):
            raise LostRaceError("a claim was given up since it was read")

    async def _discard(self, username: str) -> None:
        for collection, fields in NAMING.items():
            query = {"$or": [{field: username} for field in fields]}
            await self._write({"delete": collection, "deletes": [{"q": query, "limit": 0}]})
