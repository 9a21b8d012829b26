"""Replies to requests, their audit events and revocations, as the bytes that are published."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from contracts.codes import Code
from contracts.headers import CeType
from contracts.message import rfc3339
from handlers.model.input_records import RequestRecord
from handlers.model.outcome import Trace
from handlers.model.refused import Refused
from handlers.model.session import Session
from handlers.wire.bodies import AuditBody
from handlers.wire.encoding import encoded
from handlers.wire.rendering import (
    Record,
    answer_id,
    common_headers,
    error_body,
    headers_of,
)


def reply_body(asked: RequestRecord, answer: Mapping[str, Any] | Refused, at: datetime) -> bytes:
    """Return the reply, as `contracts.replies.Reply`; *answer* holds its optional fields."""
    body: dict[str, Any] = {
        "request_id": asked.request.request_id,
        "username": asked.request.username,
        "type": asked.type,
        "status": "rejected" if isinstance(answer, Refused) else "accepted",
        "answered_at": rfc3339(at),
    }
    if isinstance(answer, Refused):
        if answer.retry_after_s is not None:
            body["retry_after_s"] = answer.retry_after_s
        body["error"] = error_body(answer.code, answer.detail, answer.errors)
    else:
        body.update(answer)
    return encoded(body)


def reply(asked: RequestRecord, body: bytes, at: datetime) -> Record:
    """Return *body* as the record to publish, with the trace of the record that asks."""
    common = common_headers(
        rfc3339(at), asked.request.username.encode(), asked.trace, asked.request.request_id
    )
    return Record(body, headers_of(answer_id(f"{asked.id}:reply", body), CeType.REPLY, common))


def audit(
    asked: RequestRecord,
    *,
    action: str,
    at: datetime,
    code: Code | None = None,
    session_id: str | None = None,
    remembered: bool = True,
) -> Record:
    """Return who did what, as `contracts.events.AuditRecorded`. Never a secret.

    A request that is not *remembered* leaves its id free: its event is of its record alone.
    """
    request = asked.request
    event_id = f"{asked.id}:audit:{action}"
    if not remembered:
        event_id += f":{asked.source.partition}:{asked.source.offset}"
    body = AuditBody(
        event_id,
        request.username,
        action,
        "accepted" if code is None else "rejected",
        request.request_id,
        rfc3339(at),
        None if code is None else code.value,
        asked.actor,
        source=getattr(request, "source", None),
        session_id=session_id,
    )
    common = common_headers(rfc3339(at), request.username.encode(), asked.trace, request.request_id)
    return Record(encoded(body), headers_of(event_id, CeType.AUDIT_RECORDED, common))


def revocation(session: Session, *, expires_at: datetime, trace: Trace, cause: str) -> Record:
    """Return the end of *session*, as `contracts.sessions.SessionRevoked`; its key is the session.

    *expires_at* is when its last access token does, *cause* the request that ended it.
    """
    assert session.ended_at is not None
    at = rfc3339(session.ended_at)
    body = {
        "session_id": session.session_id,
        "username": session.username,
        "reason": session.ended_reason,
        "revoked_at": at,
        "expires_at": rfc3339(expires_at),
    }
    common = common_headers(at, session.username.encode(), trace, cause)
    headers = headers_of(f"{session.session_id}:revoked", CeType.SESSION_REVOKED, common)
    return Record(encoded(body), headers)
