"""Tables in memory with snapshots: what `storage/memory/ledger.py` keeps its state in."""

from collections.abc import Hashable, Iterator
from typing import Generic, TypeVar

from storage.ports.errors import LostRaceError

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class MemoryTable(Generic[Key, Value]):
    """Every version of every row, so that a snapshot can be read after later commits."""

    def __init__(self) -> None:
        self._rows: dict[Key, list[tuple[int, Value | None]]] = {}
        self._owners: dict[Key, object] = {}
        """Which open transaction has written a row: the second writer loses at once."""

    def get(self, key: Key, at: int) -> Value | None:
        """Return the row as of commit *at*."""
        for commit, value in reversed(self._rows.get(key, [])):
            if commit <= at:
                return value
        return None

    def items(self, at: int) -> Iterator[tuple[Key, Value]]:
        """Yield every row as of commit *at*, in no order."""
        for key in list(self._rows):
            value = self.get(key, at)
            if value is not None:
                yield key, value

    def put(self, key: Key, value: Value | None, commit: int) -> None:
        """Add the version of *commit*; None deletes."""
        self._rows.setdefault(key, []).append((commit, value))

    def reserve(self, key: Key, *, owner: object, at: int) -> None:
        """Let only *owner*, whose snapshot is *at*, write this row.

        Raises:
            LostRaceError: Another open transaction has written it, or one committed since.
        """
        rows = self._rows.get(key, [])
        moved_on = bool(rows) and rows[-1][0] > at
        if moved_on or self._owners.setdefault(key, owner) is not owner:
            raise LostRaceError(f"{key} was written since it was gathered")

    def release(self, owner: object) -> None:
        """Forget what *owner* has reserved."""
        self._owners = {key: other for key, other in self._owners.items() if other is not owner}


class TableDraft(Generic[Key, Value]):
    """What one transaction sees and has written of a table."""

    def __init__(self, table: MemoryTable[Key, Value], *, at: int) -> None:
        self._table = table
        self._at = at
        self._written: dict[Key, Value | None] = {}

    def get(self, key: Key) -> Value | None:
        """Return the row of the snapshot, or as written here."""
        return self._written[key] if key in self._written else self._table.get(key, self._at)

    def insert(self, key: Key, value: Value) -> None:
        """Write a row that is not there.

        Raises:
            LostRaceError: It is.
        """
        if self.get(key) is not None:
            raise LostRaceError(f"{key} is there already")
        self.write(key, value)

    def write(self, key: Key, value: Value | None) -> None:
        """Write a row, there or not; None deletes."""
        self._table.reserve(key, owner=self, at=self._at)
        self._written[key] = value

    def commit(self, number: int) -> None:
        """Let everybody see what was written, as commit *number*."""
        for key, value in self._written.items():
            self._table.put(key, value, number)
        self.close()

    def close(self) -> None:
        """Let others write."""
        if self._written:
            self._table.release(self)
        self._written = {}
