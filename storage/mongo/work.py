"""All or nothing in MongoDB: one transaction, from its first command to its commit."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Self

import pymongo
from pymongo.errors import PyMongoError

from storage.mongo.client import MongoClient, MongoSession
from storage.mongo.documents.accounts import Document
from storage.mongo.errors import nothing_was_committed, translated
from storage.ports.errors import CommitUnknownError, LostRaceError, StoreUnavailableError

COMMIT_ATTEMPTS_MAX = 3
"""Commits tried, each for as long as any operation may take, before we call the result unknown."""

ABORT_S = 1.0
"""Longest wait for an abort: it only helps others, the server ends the transaction by itself."""


class MongoWork:
    """Commands of one transaction; leaving without `commit` undoes everything."""

    def __init__(self, client: MongoClient) -> None:
        self._client = client
        self._session: MongoSession | None = None
        self._open = False
        self._whole = True
        """False while some of what belongs together is written and some not."""

    async def __aenter__(self) -> Self:
        """Take a session; the snapshot is the first read's."""
        self._session = await self._client.begin()
        self._open = True
        return self

    async def __aexit__(self, *raised: object) -> None:
        """Undo what was not committed."""
        if self._open:
            self._open = False
            await self._client.unhurried(self._abort())

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

    async def _update(self, collection: str, updates: list[Document]) -> None:
        """Write all of *updates*, each of which has to find its document."""
        if not updates:
            return
        reply = await self._write({"update": collection, "updates": updates})
        if reply["n"] != len(updates):
            raise LostRaceError(f"something in {collection} was written since it was read")

    async def _write(self, command: Document) -> Mapping[str, Any]:
        return await self._client.run({**command, "ordered": True}, session=self._session_in_use())

    def _session_in_use(self) -> MongoSession:
        assert self._session is not None
        assert self._open, "this transaction has ended"
        return self._session

    async def _commit(self) -> None:
        assert self._session is not None
        try:
            await _commit(self._session)
        except CommitUnknownError:
            await self._supersede(self._session)
            raise
        finally:
            await self._session.end_session()

    async def _supersede(self, session: MongoSession) -> None:
        """Have the server undo what no commit has reached, as the drivers' abort no longer can.

        It does so as soon as it hears of a later transaction of the same session, which waits for
        a commit under way, and leaves alone what is committed.
        """
        anything: Document = {"find": "leases", "limit": 1, "singleBatch": True}
        with suppress(PyMongoError, LostRaceError, StoreUnavailableError), pymongo.timeout(ABORT_S):
            await self._client.begin_again(session)
            await self._client.run(anything, session=session)
        with suppress(PyMongoError), pymongo.timeout(ABORT_S):
            await session.abort_transaction()

    async def _abort(self) -> None:
        assert self._session is not None
        await self._client.quiet(self._session)
        try:
            # Failing here costs nobody but time: the server ends it when its lifetime is over.
            with suppress(PyMongoError), pymongo.timeout(ABORT_S):
                await self._session.abort_transaction()
        finally:
            await self._session.end_session()


async def _commit(session: MongoSession) -> None:
    unknown, last = False, ""
    for _ in range(COMMIT_ATTEMPTS_MAX):
        try:
            await session.commit_transaction()
        except PyMongoError as error:
            if nothing_was_committed(error) and not unknown:
                raise translated(error) from error
            unknown = True
            last = type(error).__name__
        else:
            return
    raise CommitUnknownError(
        f"MongoDB did not say whether it committed ({last}): check that the replica set has a primary"
    )
