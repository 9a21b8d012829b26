"""Credentials, sessions, answers and counts as MongoDB gives them back, checked field by field."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from handlers.identity.throttling import Count
from handlers.model.session import Answered, Session
from storage.mongo.documents.stored import Natural, Version, corrupt, shaped, utc
from storage.ports.credentials import Credential


class StoredCredential(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """As `storage.mongo.documents.identities.from_credential` stores it."""

    id: str = msgspec.field(name="_id")
    command_id: str
    hash: str
    created_at: datetime
    imported: bool = False
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


class _StoredAnswer(Answered, frozen=True, kw_only=True, gc=False):
    key: str = msgspec.field(name="_id")
    request_id: str = ""
    """Stands in the key."""


class _StoredCount(Count, frozen=True, kw_only=True, gc=False):
    # Each that is stored has these.
    failures: Natural  # pyright: ignore[reportGeneralTypeIssues]
    last_at: datetime  # pyright: ignore[reportGeneralTypeIssues]


def to_credential(document: Mapping[str, Any]) -> Credential:
    """Return the stored credential, also one from before there was an epoch.

    Raises:
        CorruptDocumentError: It is none.
    """
    named = _named(shaped(document, StoredCredential, "credentials"))
    return Credential(username=named.pop("id"), **named)


def to_session(document: Mapping[str, Any]) -> Session:
    """Return the stored session.

    Raises:
        CorruptDocumentError: It is none.
    """
    stored = shaped(document, StoredSession, "sessions")
    ended = document.get("ended_at") is not None
    username = stored.ended_username if ended else stored.username
    if username is None:
        raise corrupt(document, "sessions", "ended_username" if ended else "username")
    whole = {**document, "session_id": stored.id, "username": username}
    try:
        return Session(**_named(shaped(whole, Session, "sessions")))
    except AssertionError:
        raise corrupt(document, "sessions", "ended_reason") from None


def to_answered(document: Mapping[str, Any]) -> Answered:
    """Return the stored answer to a request.

    Raises:
        CorruptDocumentError: It is none.
    """
    named = _named(shaped(document, _StoredAnswer, "requests"))
    username, _, request_id = named.pop("key").partition(":")
    if username != named["username"]:
        raise corrupt(document, "requests", "username")
    return Answered(**{**named, "request_id": request_id})


def to_count(document: Mapping[str, Any]) -> Count:
    """Return the count that `storage.mongo.throttles` stored.

    Raises:
        CorruptDocumentError: It is none.
    """
    return Count(**_named(shaped(document, _StoredCount, "throttles")))


def _named(stored: msgspec.Struct) -> dict[str, Any]:
    """Return the fields of *stored* by name, moments aware of their zone."""
    return {
        name: utc(each) if isinstance(each, datetime) else each
        for name, each in msgspec.structs.asdict(stored).items()
    }
