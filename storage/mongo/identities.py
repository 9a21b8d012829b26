"""Sessions, credentials and answered requests in MongoDB."""

from collections.abc import Sequence
from datetime import datetime

from handlers.model.session import Answered, Session
from storage.mongo.client import MAJORITY, MongoClient
from storage.mongo.documents.accounts import Document
from storage.mongo.documents.identities import from_answered, from_credential, from_session
from storage.mongo.documents.stored_identities import to_answered, to_credential, to_session
from storage.mongo.schema import SESSIONS_INDEX
from storage.mongo.work import MongoWork
from storage.ports.credentials import Credential
from storage.ports.identity import IdentityChanges

PAGE_SESSIONS_MAX = 1000
"""Sessions read at once: half a MiB at most, however often somebody has signed in."""

UPDATES_MAX = 500
"""Sessions written by one command: far below the 16 MiB that the driver refuses to send more than,
whatever is ended together."""


class MongoIdentities:
    """Reads see what no election can undo; everything that belongs together is one transaction."""

    def __init__(self, client: MongoClient) -> None:
        self._client = client

    async def credential(self, username: str) -> Credential | None:
        """Return how *username* proves who they are."""
        found = await self._one("credentials", username)
        return None if found is None else to_credential(found)

    async def session(self, session_id: str) -> Session | None:
        """Return a session, ended or not, until a day after it would have expired."""
        found = await self._one("sessions", session_id)
        return None if found is None else to_session(found)

    async def live_sessions(
        self, username: str, *, now: datetime, limit: int | None = None
    ) -> Sequence[Session]:
        """Return the sessions of *username* that have neither ended nor expired, by their ids.

        Each page starts behind the last one's key, so no cursor has to outlive an election.
        """
        page = PAGE_SESSIONS_MAX if limit is None else min(limit, PAGE_SESSIONS_MAX)
        sessions: list[Session] = []
        after = ""
        while found := await self._page(username, after, now, page):
            sessions += map(to_session, found)
            after = sessions[-1].session_id
            if limit is not None and len(sessions) >= limit:
                break
        return sessions[:limit]

    async def answered(self, request: str) -> Answered | None:
        """Return what the request with this `RequestRecord.id` was answered, while it is kept."""
        found = await self._one("requests", request)
        return None if found is None else to_answered(found)

    async def apply(self, changes: IdentityChanges) -> None:
        """Write *changes* in one transaction, durably."""
        async with _IdentityWork(self._client) as work:
            await work.apply(changes)
            await work.commit()

    async def _one(self, collection: str, key: str) -> Document | None:
        command: Document = {
            "find": collection,
            "filter": {"_id": key},
            "limit": 1,
            "singleBatch": True,
            "readConcern": MAJORITY,
        }
        found = (await self._client.run(command))["cursor"]["firstBatch"]
        return found[0] if found else None

    async def _page(self, username: str, after: str, now: datetime, limit: int) -> list[Document]:
        query: Document = {
            "username": username,
            "_id": {"$gt": after},
            "ended_at": {"$exists": False},
            "expires_at": {"$gt": now},
        }
        order = {"username": 1, "_id": 1}
        return await self._client.page("sessions", query, order, limit, {"hint": SESSIONS_INDEX})


class _IdentityWork(MongoWork):
    """Everything that follows from one request."""

    async def apply(self, changes: IdentityChanges) -> None:
        """Write *changes*: the answer first, which is where repeats meet."""
        self._whole = False
        await self._insert("requests", [from_answered(changes.answered)])
        await self._insert("sessions", [from_session(each) for each in changes.opened])
        for start in range(0, len(changes.changed), UPDATES_MAX):
            await self._update(
                "sessions",
                [
                    {
                        "q": {"_id": each.session_id, "version": each.version - 1},
                        "u": from_session(each),
                    }
                    for each in changes.changed[start : start + UPDATES_MAX]
                ],
            )
        await self._credentials(changes)
        self._whole = True

    async def _credentials(self, changes: IdentityChanges) -> None:
        if (new := changes.credential) is not None:
            query = _as_read(new.username, new.version - 1)
            # A session opened since it was read would otherwise be missed.
            query["relied_on"] = new.relied_on or {"$in": [0, None]}
            await self._update("credentials", [{"q": query, "u": from_credential(new)}])
        if (read := changes.relied_on) is not None:
            # A read would conflict with nobody: this makes whoever changes it meanwhile the loser,
            # and whoever read it before and changes it later.
            query = _as_read(read.username, read.version)
            touched: Document = {"q": query, "u": {"$inc": {"relied_on": 1}}}
            await self._update("credentials", [touched])


def _as_read(username: str, version: int) -> Document:
    # Credentials stored before they had a version are of version 1.
    return {"_id": username, "version": {"$in": [1, None]} if version == 1 else version}
