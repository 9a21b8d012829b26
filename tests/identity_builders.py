"""Short ways to say the usual session, credential and answer."""

from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from handlers.model.outcome import Source
from handlers.model.session import Answered, Session
from storage.ports.credentials import Credential
from tests.builders import NOON

MONTH = timedelta(days=30)


def a_session(session_id: str = "s1", username: str = "alice", **changed: Any) -> Session:
    """Return a session just opened, for a month."""
    session = Session(
        session_id=session_id,
        username=username,
        epoch=0,
        refresh_hash=bytes(range(32)),
        opened_at=NOON,
        expires_at=NOON + MONTH,
    )
    return replace(session, **changed)


def an_answered(request_id: str = "r1", username: str = "alice", **changed: Any) -> Answered:
    """Return an answer kept for five minutes, its body not even JSON."""
    answered = Answered(
        username=username,
        request_id=request_id,
        source=Source(topic="accounts.requests.login", partition=3, offset=2**40),
        body=b'{"a":"\x00\xff$where"}',
        answered_at=NOON,
        expires_at=NOON + timedelta(minutes=5),
        fingerprint=bytes(range(16)),
    )
    return replace(answered, **changed)


def a_credential(username: str = "alice", **changed: Any) -> Credential:
    """Return what a registration stored."""
    settings: dict[str, Any] = {"command_id": "one", "hash": "$x$hash", "created_at": NOON}
    return Credential(username=username, **{**settings, **changed})
