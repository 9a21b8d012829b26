"""What is stored under one key: every committed version of it, and the one that is not yet."""

from collections.abc import Hashable
from typing import Any

import bson

from storage.mongo.documents.accounts import Document
from tests.simulation.mongo.refusals import ConflictError
from tests.simulation.mongo.transactions import Transaction
from tests.simulation.mongo.values import decoded


class Version:
    """A document as it was written once: nobody changes it."""

    __slots__ = ("_raw", "document", "place")

    def __init__(self, document: Document, place: int) -> None:
        self.document = document
        self.place = place
        """Among all that was inserted: what is replaced keeps its place."""
        self._raw: bytes | None = None

    def copied(self) -> Document:
        """Return it as a client reads it."""
        if self._raw is None:
            self._raw = bson.encode(self.document)
        return decoded(self._raw)


UNWRITTEN = Version({}, 0)
"""Stands for what a transaction that claims a record has not written yet."""


class Written:
    """Something that transactions race for: who writes it, and when it was committed last."""

    __slots__ = ("last", "writer")

    def __init__(self, last: int = 0) -> None:
        self.last = last
        self.writer: Transaction | None = None

    def claim(self, transaction: Transaction | None) -> None:
        """Make it the transaction's until its end; check at least that it is nobody's.

        Raises:
            ConflictError: It is another's, or was written after the transaction's snapshot.
        """
        writer = self.writer
        if writer is not None and writer is not transaction and writer.is_open():
            raise ConflictError
        if transaction is None or writer is transaction:
            return
        if transaction.snapshot is not None and self.last > transaction.snapshot:
            raise ConflictError
        self.writer = transaction
        transaction.claimed.append(self)

    def settle(self, moment: int | None) -> None:
        """Make what its writer wrote the last that was committed, as of *moment*; or forget it."""
        if moment is not None:
            self.last = moment
        self.writer = None


class UniqueKey(Written):
    """One key of a unique index: whoever inserts it races with everybody else who does."""

    __slots__ = ()

    def write(self, transaction: Transaction | None, moment: int) -> None:
        """Note that it was inserted: as of *moment*, or when its transaction is committed."""
        if transaction is None:
            self.last = moment


class Record(Written):
    """All versions of one document."""

    __slots__ = ("committed", "id", "pending")

    def __init__(self, identifier: Any) -> None:
        super().__init__()
        self.id = identifier
        self.committed: list[tuple[int, Version | None]] = []
        """Each with its moment, the oldest first; None is a deletion."""
        self.pending: Version | None = UNWRITTEN

    def seen(self, transaction: Transaction | None, moment: int | None) -> Version | None:
        """Return the version that a transaction sees, or a reader as of *moment* (None is now)."""
        if self.writer is not None and self.writer is transaction and self.pending is not UNWRITTEN:
            return self.pending
        if moment is None:
            return self.committed[-1][1] if self.committed else None
        for at, version in reversed(self.committed):
            if at <= moment:
                return version
        return None

    def write(self, version: Version | None, transaction: Transaction | None, moment: int) -> None:
        """Add a version of what was claimed: as of *moment*, or when its transaction is committed."""
        if transaction is None:
            self.last = moment
            self.committed.append((moment, version))
        else:
            self.pending = version

    def settle(self, moment: int | None) -> None:
        if moment is not None and self.pending is not UNWRITTEN:
            self.committed.append((moment, self.pending))
            super().settle(moment)
        self.writer, self.pending = None, UNWRITTEN

    def versions(self) -> list[tuple[int, Document | None]]:
        """Return the committed ones, each with its moment, the oldest first."""
        return [(moment, each and each.document) for moment, each in self.committed]

    def copy(self) -> "Record":
        """Return the committed versions, to be written further by themselves."""
        copied = Record(self.id)
        copied.committed, copied.last = list(self.committed), self.last
        return copied


Key = Hashable
"""Of an id, or of an index: equal where MongoDB takes the values for equal."""
