"""The data's schema number and the running processes as MongoDB documents, and back."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec

from storage.mongo.documents.accounts import Document, present
from storage.mongo.documents.stored import Natural, Version, shaped, utc
from storage.ports.data_schema import GONE_AFTER, RunningProcess, SchemaUpgrade

KEPT = timedelta(hours=1)
"""How long a process that was killed can be seen in the collection, for who looks there."""

THE_DATA = "data"
"""The id of the document of `schema` that has the number."""

ALL_HAVE_MACS = "macs"
"""The id of one that is there once every account has had a MAC: from then on a missing one is wrong."""


class _StoredUpgrade(msgspec.Struct, frozen=True, gc=False):
    before: Version
    after: Version
    at: datetime
    release: str
    actor: str | None = None


class StoredSchema(msgspec.Struct, frozen=True, gc=False):
    """The data's number, and how it came to it."""

    number: Version
    upgrades: list[_StoredUpgrade] = []

    def history(self) -> list[SchemaUpgrade]:
        """Return the upgrades, oldest first."""
        return [
            SchemaUpgrade(
                before=each.before,
                after=each.after,
                at=utc(each.at),
                release=each.release,
                actor=each.actor,
            )
            for each in self.upgrades
        ]


class _StoredProcess(msgspec.Struct, frozen=True, gc=False):
    release: str
    host: str
    pid: Natural
    roles: list[str]
    started_at: datetime
    oldest: Version
    newest: Version
    writes: Version
    silent_ms: int
    id: str = msgspec.field(name="_id")


SILENT_MS: Document = {"$subtract": ["$$NOW", "$seen_at"]}
"""Since a process was heard of, by the server's clock alone: those of workers differ."""

HEARD_OF: Document = {"$lt": [SILENT_MS, GONE_AFTER // timedelta(milliseconds=1)]}
"""Holds for a process that runs, as far as anybody can tell."""


def seen(process: RunningProcess) -> list[Document]:
    """Return the update that says that *process* runs now, and all of itself."""
    kept_ms = KEPT // timedelta(milliseconds=1)
    return [
        {
            "$set": {
                **_literal(present(process, ("release", "host", "started_at"))),
                "pid": process.pid,
                "roles": list(process.roles),
                "oldest": process.oldest,
                "newest": process.newest,
                "writes": process.writes,
                "seen_at": "$$NOW",
                "expires_at": {"$add": ["$$NOW", kept_ms]},
            }
        }
    ]


def to_process(document: Mapping[str, Any]) -> RunningProcess:
    """Return what a process said of itself.

    Raises:
        CorruptDocumentError: None did.
    """
    stored = shaped(document, _StoredProcess, "processes")
    return RunningProcess(
        id=stored.id,
        release=stored.release,
        host=stored.host,
        pid=stored.pid,
        roles=tuple(stored.roles),
        started_at=utc(stored.started_at),
        oldest=stored.oldest,
        newest=stored.newest,
        writes=stored.writes,
        silent_s=max(0, stored.silent_ms) / 1000,
    )


def to_schema(document: Mapping[str, Any]) -> StoredSchema:
    """Return the data's number.

    Raises:
        CorruptDocumentError: There is none.
    """
    return shaped(document, StoredSchema, "schema")


def from_upgrade(upgrade: SchemaUpgrade) -> Document:
    """Return *upgrade* as it is kept beside the number."""
    return present(upgrade, ("before", "after", "at", "release", "actor"))


def _literal(fields: Document) -> Document:
    """Return *fields* as values: a host that begins with `$` names no other field."""
    return {name: {"$literal": value} for name, value in fields.items()}
