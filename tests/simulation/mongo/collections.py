"""A collection: its documents in all their versions, and its indexes."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from storage.mongo.documents.accounts import Document
from tests.simulation.mongo.expressions import Variables
from tests.simulation.mongo.indexes import Index
from tests.simulation.mongo.matching import is_operators, matcher
from tests.simulation.mongo.refusals import ServerError, duplicate
from tests.simulation.mongo.transactions import Transaction
from tests.simulation.mongo.values import key_of
from tests.simulation.mongo.versions import Key, Record, UniqueKey, Version

ID_INDEX: Document = {"v": 2, "key": {"_id": 1}, "name": "_id_"}


@dataclass(frozen=True, slots=True)
class View:
    """Who reads: a transaction, or anybody as of a moment (None is now)."""

    transaction: Transaction | None
    moment: int | None


NOW = View(None, None)


class StoredCollection:
    """Nothing in it waits: each call is one moment."""

    def __init__(self, namespace: str, tick: Callable[[], int]) -> None:
        self.namespace = namespace
        self.indexes: dict[str, Index] = {}
        self._records: dict[Key, Record] = {}
        self._tick = tick
        self._places = 0

    def copy(self, tick: Callable[[], int]) -> "StoredCollection":
        """Return it as it is committed now, to be written further by itself."""
        copied = StoredCollection(self.namespace, tick)
        copied._records = {key: record.copy() for key, record in self._records.items()}
        copied.indexes = {name: each.copy() for name, each in self.indexes.items()}
        copied._places = self._places
        return copied

    def matched(
        self, view: View, query: Document, variables: Variables
    ) -> list[tuple[Record, Version]]:
        """Return what a reader sees that *query* matches: by id where it names them, else in no order."""
        keys = self._candidates(query)
        if keys is None:
            records: Iterable[Record] = self._records.values()
        else:
            known = self._records
            records = [known[key] for key in keys if key in known]
        seen = [
            (record, version)
            for record in records
            if (version := record.seen(view.transaction, view.moment)) is not None
        ]
        if keys is not None and len(query) == 1 and "_id" in query:
            return seen  # it names nothing but those
        test = matcher(query, variables)
        return [each for each in seen if test(each[1].document)]

    def insert(self, document: Document, view: View) -> None:
        """Insert a document.

        Raises:
            ServerError: Its id is there, or a unique key of it.
            ConflictError: Somebody else inserts it.
        """
        identifier = document["_id"]
        if isinstance(identifier, list):
            raise ServerError(53, "The '_id' value cannot be of type array")
        key = key_of(identifier)
        record = self._records.get(key)
        if record is None:
            record = self._records[key] = Record(identifier)
        elif record.seen(view.transaction, view.moment) is not None:
            raise duplicate(self.namespace, "_id_", {"_id": 1}, {"_id": identifier})
        self._places += 1
        self._write(key, record, Version(document, self._places), view)

    def replace(self, record: Record, before: Version, document: Document, view: View) -> None:
        """Put *document* in the place of what a reader sees of *record*.

        Raises:
            ServerError: A unique key of it is there.
            ConflictError: Somebody else writes it.
        """
        self._write(key_of(record.id), record, Version(document, before.place), view)

    def delete(self, record: Record, view: View) -> None:
        """Delete what a reader sees of *record*.

        Raises:
            ConflictError: Somebody else writes it.
        """
        record.claim(view.transaction)
        record.write(None, view.transaction, self._tick())

    def add_index(self, index: Index) -> None:
        """Make an index of what is committed.

        Raises:
            ServerError: It is to be unique, and is not.
        """
        for key, record in self._records.items():
            version = record.seen(None, None)
            if version is not None:
                if index.is_unique:
                    document = version.document
                    self._check_unique(index, index.keys(document), record, document, NOW)
                index.note(key, version.document)
        self.indexes[index.name] = index

    def count(self) -> int:
        """Return how many documents are committed."""
        return sum(record.seen(None, None) is not None for record in self._records.values())

    def everything(self) -> list[Version]:
        """Return what is committed, in the order it was inserted in."""
        found = [record.seen(None, None) for record in self._records.values()]
        return sorted((each for each in found if each is not None), key=lambda each: each.place)

    def records(self) -> Iterable[Record]:
        """Return all that ever were."""
        return self._records.values()

    def _write(self, key: Key, record: Record, version: Version, view: View) -> None:
        # The document comes before its keys, and nothing is written before all is checked.
        record.claim(view.transaction)
        written: list[UniqueKey] = []
        for index in self.indexes.values():
            if index.is_unique:
                before = record.seen(view.transaction, view.moment)
                old = () if before is None else index.keys(before.document)
                new = [each for each in index.keys(version.document) if each not in old]
                for each in new:
                    written.append(index.unique(each))
                    written[-1].claim(view.transaction)
                self._check_unique(index, new, record, version.document, view)
        moment = self._tick()
        for each in written:
            each.write(view.transaction, moment)
        for index in self.indexes.values():
            index.note(key, version.document)
        record.write(version, view.transaction, moment)

    def _check_unique(
        self,
        index: Index,
        keys: Sequence[tuple[Any, ...]],
        record: Record,
        document: Document,
        view: View,
    ) -> None:
        for key in keys:
            for holder in index.holders(key):
                other = self._records[holder]
                seen = None if other is record else other.seen(view.transaction, view.moment)
                if seen is not None and key in index.keys(seen.document):
                    values = index.shown(document, key)
                    raise duplicate(self.namespace, index.name, index.pattern, values)

    def _candidates(self, query: Document) -> Collection[Key] | None:
        """Return the keys of all that can match, by an index; None is everything."""
        if "_id" in query:
            keys = exact_keys(query["_id"])
            if keys is not None:
                return keys
        for index in self.indexes.values():
            if index.first in query:
                firsts = exact_keys(query[index.first])
                if firsts is not None:
                    return index.by_first(firsts)
        if "$or" in query:
            return self._of_any(query["$or"])
        return None

    def _of_any(self, clauses: Sequence[Document]) -> Collection[Key] | None:
        found: dict[Key, None] = {}
        for clause in clauses:
            keys = self._candidates(clause)
            if keys is None:
                return None
            found.update(dict.fromkeys(keys))
        return found


def exact_keys(condition: Any) -> Collection[Key] | None:
    """Return the only values that a condition can match; None where those are not all named."""
    if not is_operators(condition):
        return (key_of(condition),) if not isinstance(condition, list) else None
    if len(condition) == 1 and "$eq" in condition:
        return (key_of(condition["$eq"]),)
    if len(condition) == 1 and "$in" in condition:
        return sorted({key_of(each) for each in condition["$in"]}, key=_by_order)
    return None


def _by_order(key: Any) -> Any:
    return (3, key) if isinstance(key, str) else key
