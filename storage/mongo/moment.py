"""What stands in MongoDB as of one moment, however long it takes to read."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from storage.mongo.client import MongoClient
from storage.mongo.documents.accounts import Document


@dataclass(slots=True)
class Moment:
    """Reads as of one moment, each within one operation's time; no transaction lasts so long."""

    client: MongoClient
    _concern: Document = field(default_factory=lambda: {"level": "snapshot"})

    async def read(self, command: Document) -> list[Document]:
        """Return what *command* finds, all in one batch."""
        cursor: Any = (await self.client.run({**command, "readConcern": self._concern}))["cursor"]
        self._concern["atClusterTime"] = cursor["atClusterTime"]
        return cursor["firstBatch"]

    async def everything(self, collection: str, limit: int) -> AsyncIterator[Document]:
        """Yield all documents of *collection* by their ids, read *limit* at a time."""
        query: Document = {}
        while found := await self.page(collection, query, limit):
            for document in found:
                yield document
            query = {"_id": {"$gt": found[-1]["_id"]}}

    async def ranges(self, collection: str, limit: int) -> AsyncIterator[Document]:
        """Yield queries that together match all documents, each *limit* of them at most."""
        within: Document = {}
        while bound := await self.page(
            collection, {"_id": within} if within else {}, 1, skip=limit - 1, projection={"_id": 1}
        ):
            last = bound[0]["_id"]
            yield {"_id": {**within, "$lte": last}}
            within = {"$gt": last}
        yield {"_id": within} if within else {}

    async def page(
        self, collection: str, query: Document, limit: int, **more: Any
    ) -> list[Document]:
        """Return the first *limit* documents of *collection* that *query* matches, by their ids."""
        command: Document = {
            "find": collection,
            "filter": query,
            "sort": {"_id": 1},
            "limit": limit,
            "batchSize": limit,
            "singleBatch": True,
            **more,
        }
        return await self.read(command)
