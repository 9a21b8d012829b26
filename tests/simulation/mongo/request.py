"""One command on its way through the server."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import bson

from storage.mongo.documents.accounts import Document
from tests.simulation.mongo.collections import StoredCollection, View
from tests.simulation.mongo.cursors import Cursors
from tests.simulation.mongo.databases import Databases, name_in
from tests.simulation.mongo.refusals import NotHereError, ServerError
from tests.simulation.mongo.transactions import ServerSessions
from tests.simulation.mongo.values import decoded


@dataclass(slots=True, eq=False, kw_only=True)
class Request:
    """What a handler needs to know. It is tried again for as long as it has to wait for others."""

    databases: Databases
    sessions: ServerSessions
    cursors: Cursors
    database: str
    command: Document
    view: View
    variables: Mapping[str, Any]
    results: list["WriteResult"] = field(default_factory=list["WriteResult"])
    """Of the statements of a write that are done: those of one command are done one by one."""

    def collection(self) -> StoredCollection | None:
        """Return the collection that the command is about, if it is there."""
        return self.databases.of(self.database).get(name_in(self.command))

    def collection_made(self) -> StoredCollection:
        """Return the collection, made where it is missing."""
        return self.databases.make(self.database, name_in(self.command))

    def namespace(self) -> str:
        """Return how replies name the collection."""
        return f"{self.database}.{name_in(self.command)}"

    def only(self, known: frozenset[str]) -> None:
        """Check that nothing is asked for but what is *known*.

        Raises:
            NotHereError: Something is.
        """
        for name in self.command:
            if name not in known and name not in _OF_EVERY_COMMAND:
                raise NotHereError(f"the option {name} of {next(iter(self.command))}")


@dataclass(slots=True, kw_only=True)
class WriteResult:
    """What became of one statement of a write."""

    matched: int = 0
    modified: int = 0
    upserted: list[Any] = field(default_factory=list[Any])
    """The id of what was inserted, if anything."""
    error: ServerError | None = None


_OF_EVERY_COMMAND = frozenset({"readConcern", "writeConcern", "maxTimeMS", "comment"})


def copied(document: Document) -> Document:
    """Return a document as the other side of a connection gets it."""
    return decoded(bson.encode(document))
