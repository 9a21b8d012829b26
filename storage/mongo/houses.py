"""The books in MongoDB, read as of one moment."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

from msgspec.structs import replace

from handlers.history.trial_balance import Totals
from handlers.ledger.house_rows import house_rows
from handlers.model.account import BOOKED, NOT_BOOKED, Account
from handlers.model.corrupt import CorruptDocument
from handlers.model.house import KEEPER, HouseCurrency, HouseRow, merged
from storage.mongo.client import MAJORITY, MongoClient
from storage.mongo.data_schema import note_macs
from storage.mongo.documents.accounts import Document
from storage.mongo.documents.houses import added, row_or_corrupt
from storage.mongo.documents.stored import account_or_corrupt
from storage.mongo.documents.totals import (
    BOOKED_STATE,
    NOT_BOOKED_STATE,
    OTHER_KEY,
    UNREADABLE_STATE,
    adding,
    joined,
)
from storage.mongo.moment import Moment
from storage.mongo.work import MongoWork
from storage.ports.errors import LostRaceError
from storage.ports.houses import TakenIn

PAGE_ACCOUNTS = 10_000
"""Accounts added up at once: a fraction of the time that one operation may take."""

PAGE_ROWS = 1000
"""House rows read at once: a few hundred KiB."""


class MongoHouses:
    """Every read of `totals` names the same moment of the cluster, which the first one takes."""

    def __init__(self, client: MongoClient) -> None:
        self._client = client

    async def page(self, *, after: str, limit: int) -> Sequence[HouseRow | CorruptDocument]:
        """Return up to *limit* rows with ids above *after*, ascending."""
        found = await self._client.page("houses", {"_id": {"$gt": after}}, {"_id": 1}, limit)
        return [row_or_corrupt(document) for document in found]

    async def merge(self, rows: Sequence[HouseRow], *, at: datetime) -> None:
        """Put the sums of *rows* into the merged rows in their place, all of it or nothing."""
        async with _BooksWork(self._client) as work:
            await work.merge(rows, at)
            await work.commit()

    async def take_in(self, *, after: str, limit: int, at: datetime) -> TakenIn:
        """Take those of the next *limit* accounts after *after* into the books that are not on them."""
        more: Document = {"projection": {"books": 1, "mac": 1}}
        page = await self._client.page("accounts", {"_id": {"$gt": after}}, {"_id": 1}, limit, more)
        tag = self._client.macs().tag
        names = [one["_id"] for one in page if not _is_taken_in(one, tag)]
        taken = 0
        if names:
            async with _BooksWork(self._client) as work:
                taken = await work.take_in(names, at)
                await work.commit()
        return TakenIn(accounts=taken, last=page[-1]["_id"] if len(page) == limit else None)

    async def note_macs(self) -> None:
        """Note that every account has a MAC: from now on one without is unreadable."""
        await note_macs(self._client)

    async def counted(self, username: str) -> Mapping[tuple[str, int], int]:
        """Return what `totals` counts of one account now, by currency and scale."""
        command: Document = {
            "aggregate": "accounts",
            "pipeline": adding({"_id": username}, self._client.macs().tag),
            "cursor": {},
            "readConcern": MAJORITY,
        }
        [found] = (await self._client.run(command))["cursor"]["firstBatch"]
        return _sums(found)

    async def totals(self) -> Totals:
        """Return what stands in the books, users and houses as of one moment."""
        snapshot = Moment(self._client)
        houses = Counter[HouseCurrency]()
        corrupt: list[CorruptDocument] = []
        async for document in snapshot.everything("houses", PAGE_ROWS):
            row = row_or_corrupt(document)
            if isinstance(row, CorruptDocument):
                corrupt.append(row)
            else:
                houses[row.house, row.currency, row.scale] += row.sum_minor
        users, states, other_key = Counter[tuple[str, int]](), Counter[str](), 0
        tag = self._client.macs().tag
        async for accounts in snapshot.ranges("accounts", PAGE_ACCOUNTS):
            [page] = await snapshot.read(
                {"aggregate": "accounts", "pipeline": adding(accounts, tag), "cursor": {}}
            )
            other_key += sum(one["accounts"] for one in page[OTHER_KEY])
            states.update({one["_id"]: one["accounts"] for one in page["counts"]})
            users.update(_sums(page))
        return Totals(
            users_minor=users,
            houses_minor=houses,
            accounts=states[BOOKED_STATE],
            not_booked=states[NOT_BOOKED_STATE],
            unreadable=states[UNREADABLE_STATE],
            other_key=other_key,
            corrupt=corrupt,
        )


def _is_taken_in(document: Document, tag: bytes) -> bool:
    """Say whether an account is on the books, with a MAC by the key whose *tag* this is."""
    mac = document.get("mac")
    booked = document.get("books", NOT_BOOKED) != NOT_BOOKED
    return booked and isinstance(mac, bytes) and mac.startswith(tag)


def _by_id(row: HouseRow | CorruptDocument) -> str:
    return row.id


def _sums(page: Document) -> Mapping[tuple[str, int], int]:
    return {(one["_id"]["currency"], one["_id"]["scale"]): joined(one) for one in page["sums"]}


class _BooksWork(MongoWork):
    """What the housekeeper writes, each in one transaction."""

    async def merge(self, rows: Sequence[HouseRow], at: datetime) -> None:
        """Delete *rows*, as many as were read, and add what they came to."""
        ids = [row.id for row in rows]
        if await self._rows(ids) != sorted(rows, key=_by_id):
            raise LostRaceError("a house row was written since it was read")
        reply = await self._write(
            {"delete": "houses", "deletes": [{"q": {"_id": {"$in": ids}}, "limit": 0}]}
        )
        if reply["n"] != len(ids):
            raise LostRaceError("a house row was deleted since it was read")
        sums = merged(rows, at=at)
        await self._update("houses", [added(row) for row in sums])
        # Read back: one past its bound is an error here, while all of its digits are there.
        if any(
            isinstance(row, CorruptDocument) for row in await self._rows([row.id for row in sums])
        ):
            raise LostRaceError("a merged row would be past its bound")

    async def _rows(self, ids: Sequence[str]) -> list[HouseRow | CorruptDocument]:
        found = await self._find("houses", {"_id": {"$in": list(ids)}}, len(ids))
        return sorted((row_or_corrupt(document) for document in found), key=_by_id)

    async def take_in(self, usernames: Sequence[str], at: datetime) -> int:
        """Mark those accounts, and book what they hold; return how many were not booked."""
        macs = self._client.macs()
        found = await self._find("accounts", {"_id": {"$in": list(usernames)}}, len(usernames))
        left = [one for one in found if not _is_taken_in(one, macs.tag)]
        read = [account_or_corrupt(document, macs) for document in left]
        accounts = [one for one in read if isinstance(one, Account)]
        # Else the version alone goes up: who wrote last, and what of it is published, stays as it is.
        taken = [replace(one, books=BOOKED, version=one.version + 1) for one in accounts]
        updates: list[Document] = [
            {
                "q": {"_id": one.username, "version": one.version - 1},
                "u": {"$set": {"books": BOOKED, "version": one.version, "mac": macs.of(one)}},
            }
            for one in taken
        ]
        await self._update("accounts", updates)
        opening = [one for one in accounts if one.books != BOOKED]
        rows = house_rows((), opening, writer=KEEPER, at=at)
        await self._update("houses", [added(row) for row in rows])
        return len(opening)
