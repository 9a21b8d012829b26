"""Credentials, sessions, answers and counts as MongoDB documents, and back, without loss.

Optional values are absent, never null. Nothing from a payload becomes a field name.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from handlers.outcome import Source
from handlers.session import Answered, Session
from handlers.throttling import Count
from storage.documents import Document
from storage.ports import Credential

_OPTIONAL = ("previous_hash", "rotated_at", "rotated_by", "ended_at", "ended_reason", "source")


def from_credential(credential: Credential) -> Document:
    """Return *credential* as stored."""
    document: Document = {
        "_id": credential.username,
        "command_id": credential.command_id,
        "hash": credential.hash,
        "created_at": credential.created_at,
        "epoch": credential.epoch,
        "version": credential.version,
    }
    if credential.relied_on:
        document["relied_on"] = credential.relied_on
    return document


def to_credential(document: Mapping[str, Any]) -> Credential:
    """Return the credential that `from_credential` stored, also before it had an epoch."""
    return Credential(
        username=document["_id"],
        command_id=document["command_id"],
        hash=document["hash"],
        created_at=document["created_at"].replace(tzinfo=UTC),
        epoch=document.get("epoch", 0),
        version=document.get("version", 1),
        relied_on=document.get("relied_on", 0),
    )


def from_session(session: Session) -> Document:
    """Return *session* as stored.

    Ended, it names its user elsewhere: the index by user finds what is live, however often somebody
    has signed in and out.
    """
    document: Document = {
        "_id": session.session_id,
        "username" if session.ended_at is None else "ended_username": session.username,
        "epoch": session.epoch,
        "refresh_hash": session.refresh_hash,
        "family_hash": session.family_hash,
        "opened_at": session.opened_at,
        "expires_at": session.expires_at,
        "version": session.version,
    }
    for name in _OPTIONAL:
        value = getattr(session, name)
        if value is not None:
            document[name] = value
    return document


def to_session(document: Mapping[str, Any]) -> Session:
    """Return the session that `from_session` stored, also when all named their user alike."""
    username = document.get("username")
    return Session(
        session_id=document["_id"],
        username=document["ended_username"] if username is None else username,
        epoch=document["epoch"],
        refresh_hash=document["refresh_hash"],
        family_hash=document["family_hash"],
        opened_at=document["opened_at"].replace(tzinfo=UTC),
        expires_at=document["expires_at"].replace(tzinfo=UTC),
        previous_hash=document.get("previous_hash"),
        rotated_at=_moment(document.get("rotated_at")),
        rotated_by=document.get("rotated_by"),
        ended_at=_moment(document.get("ended_at")),
        ended_reason=document.get("ended_reason"),
        source=document.get("source"),
        version=document["version"],
    )


def from_answered(answered: Answered) -> Document:
    """Return *answered* as stored."""
    source = answered.source
    document: Document = {
        "_id": answered.id,
        "username": answered.username,
        "source": {
            "topic": source.topic,
            "partition": source.partition,
            "offset": source.offset,
        },
        "body": answered.body,
        "answered_at": answered.answered_at,
        "expires_at": answered.expires_at,
    }
    if answered.session_id is not None:
        document["session_id"] = answered.session_id
    if answered.ended:
        document["ended"] = list(answered.ended)
    if answered.locked_out:
        document["locked_out"] = True
    return document


def to_answered(document: Mapping[str, Any]) -> Answered:
    """Return what `from_answered` stored."""
    username = document["username"]
    source = document["source"]
    return Answered(
        username=username,
        request_id=document["_id"][len(username) + 1 :],
        source=Source(
            topic=source["topic"], partition=source["partition"], offset=source["offset"]
        ),
        body=document["body"],
        answered_at=document["answered_at"].replace(tzinfo=UTC),
        expires_at=document["expires_at"].replace(tzinfo=UTC),
        session_id=document.get("session_id"),
        ended=document.get("ended", ()),
        locked_out=document.get("locked_out", False),
    )


def to_count(document: Mapping[str, Any]) -> Count:
    """Return the count that `storage.mongo_throttles` stored."""
    return Count(
        failures=document["failures"],
        blocked_until=_moment(document.get("blocked_until")),
        last_at=_moment(document.get("last_at")),
        since=_moment(document.get("since")),
        counted_for=document.get("counted_for"),
    )


def _moment(stored: datetime | None) -> datetime | None:
    return None if stored is None else stored.replace(tzinfo=UTC)
