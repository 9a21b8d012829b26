"""Everything stored in MongoDB, for whoever looks whether it is as it should be."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from datetime import datetime

from handlers.history.reference import Reference, Referring
from handlers.model.account import Account
from handlers.model.corrupt import CorruptDocument
from handlers.model.outcome import Outcome
from handlers.model.unpublished import EntryRange
from storage.mongo.client import MongoClient
from storage.mongo.documents.accounts import Document
from storage.mongo.documents.repairs import to_repair
from storage.mongo.documents.stored import account_or_corrupt, utc
from storage.mongo.documents.stored_outcomes import outcome_or_corrupt
from storage.mongo.documents.stored_references import reference
from storage.mongo.schema import ENTRIES_INDEX
from storage.ports.inspection import Changed, References

PAGE_MAX = 1000
"""Documents read at once: a few MiB at most, however long the history is."""

OF_ONE_USER_MAX = 10_000
"""Documents of one user read at once: live sessions are 100 at most, outcomes without an entry are
registrations, changes of profile, and what was refused."""

BEYOND = ";"
"""Sorts right behind the colon in an outcome's id, so that a range of ids holds one user's."""

WITHOUT_ENTRY: Document = {
    "$expr": {
        "$not": [
            {
                "$and": [
                    {"$in": [{"$type": "$sequence"}, ["int", "long"]]},
                    {"$gt": ["$sequence", 0]},
                ]
            }
        ]
    }
}
"""Outcomes without a place in a history, or with one that cannot be: a list of numbers, say, which
an ordinary comparison takes for a number."""


class MongoInspection:
    """Reads in steps that each end within one operation's time, however much there is."""

    def __init__(self, client: MongoClient) -> None:
        self._client = client

    async def accounts(self, usernames: Collection[str]) -> Mapping[str, Account | CorruptDocument]:
        """Return the accounts that exist."""
        found = await self._by_id("accounts", usernames)
        macs = self._client.macs()
        return {document["_id"]: account_or_corrupt(document, macs) for document in found}

    async def entries(
        self, username: str, *, after: int = 0
    ) -> AsyncIterator[Outcome | CorruptDocument]:
        """Yield one account's outcomes that have an entry, in ascending sequence, from *after* on."""
        while True:
            query: Document = {"username": username, "sequence": {"$gt": after}}
            order = {"username": 1, "sequence": 1}
            found = await self._client.page(
                "outcomes", query, order, PAGE_MAX, {"hint": ENTRIES_INDEX}
            )
            for document in found:
                yield outcome_or_corrupt(document)
            if len(found) < PAGE_MAX:
                return
            after = found[-1]["sequence"]

    async def references(self, collection: Referring, *, after: str, limit: int) -> References:
        """Return what names accounts among the next *limit* documents after the id *after*."""
        if collection is Referring.OUTCOMES:
            return await self._outcomes(after, limit)
        found = await self._client.page(collection, {"_id": {"$gt": after}}, {"_id": 1}, limit)
        named = [reference(collection, document) for document in found]
        return References(
            found=[each for each in named if each is not None],
            looked_at=len(found),
            last=found[-1]["_id"] if len(found) == limit else None,
        )

    async def _outcomes(self, after: str, limit: int) -> References:
        """Let the server leave out outcomes with an entry: they are most, and looked at elsewhere.

        Within bounds found in the index first, so that no step takes long where hardly any is left.
        """
        ids: Document = {"projection": {"_id": 1}, "skip": limit - 1}
        bound = await self._client.page("outcomes", {"_id": {"$gt": after}}, {"_id": 1}, 1, ids)
        last = bound[0]["_id"] if bound else None
        within: Document = {"$gt": after} if last is None else {"$gt": after, "$lte": last}
        query: Document = {"_id": within, **WITHOUT_ENTRY}
        found = await self._client.page("outcomes", query, {"_id": 1}, limit)
        named = [reference(Referring.OUTCOMES, document) for document in found]
        return References(
            found=[each for each in named if each is not None],
            looked_at=limit,
            last=last,
        )

    async def references_of(self, username: str) -> Sequence[Reference | CorruptDocument]:
        """Return what names this user's account, but for outcomes with an entry."""
        queries: Mapping[Referring, Document] = {
            Referring.EMAILS: {"username": username},
            Referring.NAMES: {"_id": username.lower(), "username": username},
            Referring.REGISTRATIONS: {"_id": username},
            Referring.CREDENTIALS: {"_id": username},
            Referring.SESSIONS: {"$or": [{"username": username}, {"ended_username": username}]},
            Referring.OUTCOMES: {
                "_id": {"$gt": f"{username}:", "$lt": f"{username}{BEYOND}"},
                **WITHOUT_ENTRY,
            },
        }
        named = [
            reference(collection, document)
            for collection, query in queries.items()
            for document in await self._client.page(collection, query, {"_id": 1}, OF_ONE_USER_MAX)
        ]
        return [each for each in named if each is not None]

    async def able_to_sign_in(self, usernames: Collection[str]) -> Collection[str]:
        """Return those of *usernames* with a credential, or with a registration that waits for it."""
        # In this order: a registration stops waiting once its credential is stored.
        waiting = {one["_id"] for one in await self._by_id("registrations", usernames)}
        stored = await self._by_id("credentials", {*usernames} - waiting, {"_id": 1})
        return waiting | {one["_id"] for one in stored}

    async def repaired(self) -> Mapping[str, Sequence[EntryRange]]:
        """Return whose events were published once more by repairs, username → which."""
        ranges: dict[str, list[EntryRange]] = {}
        after = ""
        while found := await self._client.page(
            "repairs", {"_id": {"$gt": after}}, {"_id": 1}, PAGE_MAX
        ):
            for document in found:
                repair = to_repair(document)
                if repair.published is not None:
                    ranges.setdefault(repair.username, []).append(repair.published)
            after = found[-1]["_id"]
        return ranges

    async def changed(self, *, since: datetime, after: str, limit: int) -> Changed:
        """Return those of the next *limit* accounts after *after* that were changed *since*."""
        more: Document = {"projection": {"changed_at": 1}}
        found = await self._client.page(
            "accounts", {"_id": {"$gt": after}}, {"_id": 1}, limit, more
        )
        return Changed(
            usernames=[one["_id"] for one in found if _is_since(one.get("changed_at"), since)],
            looked_at=len(found),
            last=found[-1]["_id"] if len(found) == limit else None,
        )

    async def _by_id(
        self, collection: str, ids: Collection[str], projection: Document | None = None
    ) -> list[Document]:
        if not ids:
            return []
        more: Document = {"projection": projection} if projection else {}
        query: Document = {"_id": {"$in": list(ids)}}
        return await self._client.page(collection, query, {"_id": 1}, len(ids), more)


def _is_since(changed_at: object, since: datetime) -> bool:
    """Say whether to look: also where it cannot be told when the account was changed."""
    return not isinstance(changed_at, datetime) or utc(changed_at) >= since
