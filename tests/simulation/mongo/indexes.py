"""Indexes: which keys a document has, and who has had a key."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from storage.mongo.documents.accounts import Document
from tests.simulation.mongo.matching import matcher
from tests.simulation.mongo.paths import read
from tests.simulation.mongo.values import ABSENT, is_list, key_of
from tests.simulation.mongo.versions import Key, UniqueKey


class Index:
    """Knows every document that ever had a key; who asks looks which version has it still."""

    def __init__(self, specification: Document) -> None:
        self.specification: Document = {"v": 2, **specification}
        self.name: str = specification["name"]
        self.pattern: Document = specification["key"]
        self.first = next(iter(self.pattern))
        self.is_unique: bool = specification.get("unique", False)
        self._paths = [name.split(".") for name in self.pattern]
        partial = specification.get("partialFilterExpression")
        self._is_part = None if partial is None else matcher(partial, {})
        self._uniques: dict[Key, UniqueKey] = {}
        self._holders: dict[Key, dict[Key, None]] = {}
        self._by_first: dict[Key, dict[Key, None]] = {}

    def copy(self) -> "Index":
        """Return it as it is, to be written further by itself; open transactions are left out."""
        copied = Index(self.specification)
        copied._uniques = {key: UniqueKey(each.last) for key, each in self._uniques.items()}
        copied._holders = {key: dict(each) for key, each in self._holders.items()}
        copied._by_first = {key: dict(each) for key, each in self._by_first.items()}
        return copied

    def keys(self, document: Document) -> Sequence[tuple[Any, ...]]:
        """Return the keys of a document: none if it is no part of a partial index."""
        if self._is_part is not None and not self._is_part(document):
            return ()
        keys: list[tuple[Any, ...]] = [()]
        for path in self._paths:
            value = read(document, path)
            each = value if is_list(value) and value else [value]
            keys = [(*key, key_of(one)) for key in keys for one in each]
        return keys

    def shown(self, document: Document, key: tuple[Any, ...]) -> Document:
        """Return one *key* of a document as an error shows it: the values, by field."""
        found: Document = {}
        for name, path, part in zip(self.pattern, self._paths, key, strict=True):
            value = read(document, path)
            if is_list(value):
                value = next((each for each in value if key_of(each) == part), value)
            found[name] = None if value is ABSENT else value
        return found

    def note(self, key: Key, document: Document) -> None:
        """Note that the record with this *key* has a version with such a document."""
        value = read(document, self._paths[0])
        for each in [value, *value] if is_list(value) else [value]:
            self._by_first.setdefault(key_of(each), {})[key] = None
        if self.is_unique:
            for each in self.keys(document):
                self._holders.setdefault(each, {})[key] = None

    def unique(self, key: Key) -> UniqueKey:
        """Return what those race for who insert *key*."""
        found = self._uniques.get(key)
        if found is None:
            found = self._uniques[key] = UniqueKey()
        return found

    def holders(self, key: Key) -> Iterable[Key]:
        """Return the keys of all records that ever had *key*."""
        return self._holders.get(key, ())

    def by_first(self, values: Iterable[Key]) -> Collection[Key]:
        """Return the keys of all records that ever had one of *values* in the first field."""
        found: dict[Key, None] = {}
        for value in values:
            found.update(self._by_first.get(value, {}))
        return found
