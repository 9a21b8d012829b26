"""Everything that is stored: databases and their collections, and the moments of its writes."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from bson.timestamp import Timestamp

from storage.mongo.documents.accounts import Document
from tests.simulation.mongo.collections import StoredCollection
from tests.simulation.mongo.refusals import ServerError
from tests.simulation.mongo.values import EPOCH, MILLISECOND


class Databases:
    """All collections, by database and name."""

    def __init__(self) -> None:
        self.moment = 1
        """Of the last write: they are numbered, whatever the time."""
        self._all: dict[str, dict[str, StoredCollection]] = {}

    def tick(self) -> int:
        """Return the moment of the next write."""
        self.moment += 1
        return self.moment

    def copy(self) -> "Databases":
        """Return what is committed now, to be written further by itself."""
        copied = Databases()
        copied.moment = self.moment
        copied._all = {
            database: {name: each.copy(copied.tick) for name, each in collections.items()}
            for database, collections in self._all.items()
        }
        return copied

    def of(self, database: str) -> Mapping[str, StoredCollection]:
        """Return the collections of a database, by name."""
        return self._all.get(database, {})

    def make(self, database: str, name: str) -> StoredCollection:
        """Return a collection, made where it is missing."""
        collections = self._all.setdefault(database, {})
        if name not in collections:
            collections[name] = StoredCollection(f"{database}.{name}", self.tick)
        return collections[name]

    def drop(self, database: str, name: str | None = None) -> None:
        """Remove a collection, or the whole database."""
        if name is None:
            self._all.pop(database, None)
        else:
            self._all.get(database, {}).pop(name, None)

    def __iter__(self) -> Iterator[str]:
        """Yield the names of the databases."""
        return iter(self._all)


def cluster_time(moment: int) -> Timestamp:
    """Return a moment as a reply names it."""
    return Timestamp(moment >> 31, moment & 0x7FFFFFFF)


def moment_of(stamp: Timestamp) -> int:
    """Return the moment that a command names."""
    return stamp.time << 31 | stamp.inc


def date_of(now_s: float) -> datetime:
    """Return the time as the server stores it: in milliseconds, naive, in UTC."""
    return EPOCH + MILLISECOND * int(now_s * 1000)


def name_in(command: Document) -> str:
    """Return the collection that a command is about: what its first field says."""
    name: Any = next(iter(command.values()))
    if not isinstance(name, str):
        raise ServerError(2, f"collection name has invalid type {type(name).__name__}")
    return name
