"""Credentials, sessions and answers as MongoDB documents; `storage.stored_identities` reads them.

Optional values are absent, never null. Nothing from a payload becomes a field name.
"""

from handlers.session import Answered, Session
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
    if answered.fingerprint:
        document["fingerprint"] = answered.fingerprint
    if answered.session_id is not None:
        document["session_id"] = answered.session_id
    if answered.ended:
        document["ended"] = list(answered.ended)
    if answered.locked_out:
        document["locked_out"] = True
    return document
