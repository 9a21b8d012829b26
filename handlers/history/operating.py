"""What an operator did to one account, as it is audited."""

from datetime import datetime

import msgspec

from contracts.headers import CeType
from contracts.message import rfc3339
from handlers.model.outcome import Trace
from handlers.wire.bodies import AuditBody
from handlers.wire.encoding import encoded
from handlers.wire.rendering import Record, common_headers, headers_of

DETAIL_LENGTH_MAX = 1000
"""Characters of what was done: every field of an account with many currencies, bounded."""


class Operation(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One act of an operator. Holds no profile data."""

    id: str
    username: str
    at: datetime
    action: str
    """As it is audited."""
    detail: str
    """What was done, in words."""
    actor: str | None = None


def audit_event(done: Operation) -> Record:
    """Return who did what, as `contracts.events.AuditRecorded`."""
    event_id = f"{done.username}:{done.id}:audit"
    at = rfc3339(done.at)
    body = AuditBody(
        event_id,
        done.username,
        done.action,
        "accepted",
        done.id,
        at,
        actor=done.actor,
        detail=done.detail[:DETAIL_LENGTH_MAX],
    )
    trace = Trace(correlation_id=done.id)
    common = common_headers(at, done.username.encode(), trace, done.id)
    return Record(encoded(body), headers_of(event_id, CeType.AUDIT_RECORDED, common))
