"""One lane's transaction: a snapshot to decide on, and one write."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

import pymongo
from pymongo.errors import PyMongoError

from handlers.account import Account
from handlers.changes import Changes
from handlers.outcome import Outcome
from handlers.owing import EntryRange
from storage.documents import Document, from_account, from_outcome, to_account, to_outcome
from storage.mongo_client import MongoClient, Session
from storage.mongo_errors import commit_is_unknown, translated
from storage.ports import CommitUnknownError, LostRaceError

COMMIT_ATTEMPTS_MAX = 3
"""Commits tried, each for as long as any operation may take, before we call the result unknown."""

ABORT_S = 1.0
"""Longest wait for an abort: it only helps others, the server ends the transaction by itself."""

RANGES_MAX = 200
"""Clauses in one query, one for each range that differs: each is planned by itself, within one
operation's time."""


class MongoTransaction:
    """Written in as few commands as there are collections to touch."""

    def __init__(self, client: MongoClient) -> None:
        self._client = client
        self._session: Session | None = None
        self._open = False
        self._whole = True

    async def __aenter__(self) -> Self:
        """Take a session; the snapshot is the first read's."""
        self._session = await self._client.begin()
        self._open = True
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Undo what was not committed."""
        if self._open:
            self._open = False
            await self._client.unhurried(self._abort())

    async def accounts(self, usernames: Collection[str]) -> Mapping[str, Account]:
        """Return the accounts that exist."""
        found = await self._find("accounts", {"_id": {"$in": list(usernames)}}, len(usernames))
        return {document["_id"]: to_account(document) for document in found}

    async def outcomes(self, ids: Collection[str]) -> Mapping[str, Outcome]:
        """Return the decisions already recorded, by `Outcome.id`."""
        found = await self._find("outcomes", {"_id": {"$in": list(ids)}}, len(ids))
        return {document["_id"]: to_outcome(document) for document in found}

    async def email_owners(self, emails: Collection[str]) -> Mapping[str, str]:
        """Return claimed address → username."""
        found = await self._find("emails", {"_id": {"$in": list(emails)}}, len(emails))
        return {document["_id"]: document["username"] for document in found}

    async def entries(self, ranges: Collection[EntryRange]) -> Sequence[Outcome]:
        """Return the outcomes with those entries, per account in ascending sequence."""
        # Accounts that owe the same sequences share a clause: planning each by itself takes longer
        # than reading it.
        alike: dict[tuple[int, int], list[str]] = {}
        for each in ranges:
            alike.setdefault((each.after, each.up_to), []).append(each.username)
        wanted: list[Document] = [
            {"username": {"$in": usernames}, "sequence": {"$gt": after, "$lte": up_to}}
            for (after, up_to), usernames in alike.items()
        ]
        total = sum(each.up_to - each.after for each in ranges)
        found: list[Document] = []
        for start in range(0, len(wanted), RANGES_MAX):
            some = wanted[start : start + RANGES_MAX]
            found += await self._find("outcomes", {"$or": some}, total)
        found.sort(key=lambda document: (document["username"], document["sequence"]))
        return [to_outcome(document) for document in found]

    async def apply(self, changes: Changes) -> None:
        """Write *changes*: claims first, because others may wait for an address given up."""
        self._whole = False
        await self._delete_claims(changes)
        await self._insert(
            "emails", [{"_id": each.email, "username": each.username} for each in changes.claimed]
        )
        await self._insert(
            "accounts", [from_account(each) for each in changes.accounts if each.version == 1]
        )
        await self._replace([each for each in changes.accounts if each.version > 1])
        await self._insert("outcomes", [from_outcome(each) for each in changes.outcomes])
        await self._insert(
            "registrations",
            [{"_id": each.username, "opened_at": each.opened_at} for each in changes.opened],
        )
        self._whole = True

    async def commit(self) -> None:
        """Make it durable, trying again while nobody knows whether it is."""
        assert self._open, "this transaction has ended"
        if not self._whole:
            raise LostRaceError("not everything was written, so nothing is")
        self._open = False
        await self._client.unhurried(self._commit())

    async def _find(self, collection: str, query: Document, count: int) -> list[Document]:
        if not count:
            return []
        command: Document = {"find": collection, "filter": query, "batchSize": count + 1}
        return await self._client.find(command, session=self._session_in_use())

    async def _insert(self, collection: str, documents: list[Document]) -> None:
        if documents:
            await self._write({"insert": collection, "documents": documents})

    async def _replace(self, accounts: Sequence[Account]) -> None:
        updates: list[Document] = [
            {"q": {"_id": each.username, "version": each.version - 1}, "u": from_account(each)}
            for each in accounts
        ]
        if not updates:
            return
        reply = await self._write({"update": "accounts", "updates": updates})
        if reply["n"] != len(updates):
            raise LostRaceError("an account was written since it was gathered")

    async def _delete_claims(self, changes: Changes) -> None:
        deletes: list[Document] = [
            {"q": {"_id": each.email, "username": each.username}, "limit": 1}
            for each in changes.released
        ]
        if deletes:
            await self._write({"delete": "emails", "deletes": deletes})

    async def _write(self, command: Document) -> Mapping[str, Any]:
        return await self._client.run({**command, "ordered": True}, session=self._session_in_use())

    def _session_in_use(self) -> Session:
        assert self._session is not None
        assert self._open, "this transaction has ended"
        return self._session

    async def _commit(self) -> None:
        assert self._session is not None
        try:
            await _commit(self._session)
        finally:
            await self._session.end_session()

    async def _abort(self) -> None:
        assert self._session is not None
        await self._client.quiet(self._session)
        try:
            # Failing here costs nobody but time: the server ends it when its lifetime is over.
            with suppress(PyMongoError), pymongo.timeout(ABORT_S):
                await self._session.abort_transaction()
        finally:
            await self._session.end_session()


async def _commit(session: Session) -> None:
    unknown = False
    for _ in range(COMMIT_ATTEMPTS_MAX):
        try:
            await session.commit_transaction()
        except PyMongoError as error:
            if not commit_is_unknown(error) and not unknown:
                raise translated(error) from error
            unknown = True
        else:
            return
    raise CommitUnknownError(
        "MongoDB did not say whether it committed: check that the replica set has a primary"
    )
