"""Credentials, sessions, answers and counts as MongoDB gives them back, checked field by field."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from handlers.outcome import Source
from handlers.session import Answered, EndReason, Session
from handlers.throttling import Count
from storage.ports import Credential
from storage.stored import Natural, Version, corrupt, shaped, utc


class StoredCredential(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """As `storage.identity_documents.from_credential` stores it."""

    id: str = msgspec.field(name="_id")
    command_id: str
    hash: str
    created_at: datetime
    epoch: Natural = 0
    version: Version = 1
    relied_on: Natural = 0


class StoredSession(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What every session has."""

    id: str = msgspec.field(name="_id")
    username: str | None = None
    ended_username: str | None = None
    epoch: Natural
    refresh_hash: bytes
    family_hash: bytes
    opened_at: datetime
    expires_at: datetime
    version: Version

    @property
    def owner(self) -> str | None:
        """Whose it is: ended, it names its user elsewhere."""
        return self.ended_username if self.username is None else self.username


class _Session(StoredSession, frozen=True, kw_only=True, gc=False):
    previous_hash: bytes | None = None
    rotated_at: datetime | None = None
    rotated_by: str | None = None
    ended_at: datetime | None = None
    ended_reason: EndReason | None = None
    source: str | None = None


class _Answered(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    id: str = msgspec.field(name="_id")
    username: str
    source: Source
    body: bytes
    answered_at: datetime
    expires_at: datetime
    fingerprint: bytes = b""
    session_id: str | None = None
    ended: Sequence[str] = ()
    locked_out: bool = False


class _Count(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    failures: Natural
    blocked_until: datetime | None = None
    last_at: datetime | None = None
    since: datetime | None = None
    counted_for: str | None = None


def to_credential(document: Mapping[str, Any]) -> Credential:
    """Return the stored credential, also one from before there was an epoch.

    Raises:
        CorruptDocumentError: It is none.
    """
    stored = shaped(document, StoredCredential, "credentials")
    return Credential(
        username=stored.id,
        command_id=stored.command_id,
        hash=stored.hash,
        created_at=utc(stored.created_at),
        epoch=stored.epoch,
        version=stored.version,
        relied_on=stored.relied_on,
    )


def to_session(document: Mapping[str, Any]) -> Session:
    """Return the stored session, also one from when all named their user alike.

    Raises:
        CorruptDocumentError: It is none.
    """
    stored = shaped(document, _Session, "sessions")
    username = stored.owner
    if username is None:
        raise corrupt(document, "sessions", "username")
    if (stored.ended_at is None) != (stored.ended_reason is None):
        raise corrupt(document, "sessions", "ended_reason")
    return Session(
        session_id=stored.id,
        username=username,
        epoch=stored.epoch,
        refresh_hash=stored.refresh_hash,
        family_hash=stored.family_hash,
        opened_at=utc(stored.opened_at),
        expires_at=utc(stored.expires_at),
        previous_hash=stored.previous_hash,
        rotated_at=_moment(stored.rotated_at),
        rotated_by=stored.rotated_by,
        ended_at=_moment(stored.ended_at),
        ended_reason=stored.ended_reason,
        source=stored.source,
        version=stored.version,
    )


def to_answered(document: Mapping[str, Any]) -> Answered:
    """Return the stored answer to a request.

    Raises:
        CorruptDocumentError: It is none.
    """
    stored = shaped(document, _Answered, "requests")
    if not stored.id.startswith(f"{stored.username}:"):
        raise corrupt(document, "requests", "username")
    return Answered(
        username=stored.username,
        request_id=stored.id[len(stored.username) + 1 :],
        source=stored.source,
        body=stored.body,
        answered_at=utc(stored.answered_at),
        expires_at=utc(stored.expires_at),
        fingerprint=stored.fingerprint,
        session_id=stored.session_id,
        ended=stored.ended,
        locked_out=stored.locked_out,
    )


def to_count(document: Mapping[str, Any]) -> Count:
    """Return the count that `storage.mongo_throttles` stored.

    Raises:
        CorruptDocumentError: It is none.
    """
    stored = shaped(document, _Count, "throttles")
    return Count(
        failures=stored.failures,
        blocked_until=_moment(stored.blocked_until),
        last_at=_moment(stored.last_at),
        since=_moment(stored.since),
        counted_for=stored.counted_for,
    )


def _moment(stored: datetime | None) -> datetime | None:
    return None if stored is None else utc(stored)
