"""Credentials, sessions and answers as MongoDB documents; `storage.mongo.documents.stored_identities` reads them.

Optional values are absent, never null. Nothing from a payload becomes a field name.
"""

from handlers.model.session import Answered, Session
from storage.mongo.documents.accounts import Document, present
from storage.ports.credentials import Credential

_OF_A_CREDENTIAL = ("command_id", "hash", "created_at", "epoch", "version")
_OF_A_SESSION = (
    *("epoch", "refresh_hash", "family_hash", "opened_at", "expires_at", "version"),
    *("previous_hash", "rotated_at", "rotated_by", "ended_at", "ended_reason", "source"),
)
_OF_AN_ANSWER = ("body", "answered_at", "expires_at", "fingerprint")


def from_credential(credential: Credential) -> Document:
    """Return *credential* as stored."""
    document = {"_id": credential.username, **present(credential, _OF_A_CREDENTIAL)}
    if credential.imported:
        document["imported"] = True
    if credential.relied_on:
        document["relied_on"] = credential.relied_on
    return document


def from_session(session: Session) -> Document:
    """Return *session* as stored.

    Ended, it names its user elsewhere: the index by user finds what is live, however often somebody
    has signed in and out.
    """
    named = "username" if session.ended_at is None else "ended_username"
    return {
        "_id": session.session_id,
        named: session.username,
        **present(session, _OF_A_SESSION),
    }


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
        **present(answered, _OF_AN_ANSWER),
    }
    if answered.session_id is not None:
        document["session_id"] = answered.session_id
    if answered.ended:
        document["ended"] = list(answered.ended)
    if answered.locked_out:
        document["locked_out"] = True
    return document
