"""Which usernames a file has had, however many they are: on disk, so that memory stays bounded."""

import sqlite3
from types import TracebackType
from typing import Self

CACHE_KIB = 65_536
"""Of pages in memory: those of a million usernames. Beyond that the disk is asked."""


class UsernamesSeen:
    """A temporary table that is gone with this object, or with the process."""

    def __init__(self) -> None:
        """Open it: without a name it is a file that nobody else can find."""
        # Asked from one thread at a time, not always the same.
        self._table = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        for statement in (
            f"PRAGMA cache_size = -{CACHE_KIB}",
            "PRAGMA journal_mode = OFF",  # nobody goes on with it after a crash
            "PRAGMA synchronous = OFF",
            "CREATE TABLE seen (username TEXT PRIMARY KEY, line INTEGER) WITHOUT ROWID",
            "BEGIN",
        ):
            self._table.execute(statement)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Delete it."""
        self._table.close()

    def first_line(self, username: str, line: int) -> int:
        """Note that *username* stands in *line*; return in which it stood first."""
        added = self._table.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", (username, line))
        if added.rowcount:
            return line
        query = "SELECT line FROM seen WHERE username = ?"
        return int(self._table.execute(query, (username,)).fetchone()[0])
