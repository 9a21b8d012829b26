"""What is recorded and published of a repair."""

from datetime import datetime

import msgspec

from contracts.headers import CeType
from contracts.message import rfc3339
from handlers.outcome import Trace
from handlers.owing import EntryRange
from handlers.rendering import Record, common_headers, encoded, headers_of

DETAIL_LENGTH_MAX = 1000
"""Characters of what was done: every field of an account with many currencies, bounded."""


class Repair(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One repair of one account. Holds no profile data."""

    id: str
    """Also the writer whose mark the account bears afterwards."""
    username: str
    at: datetime
    detail: str
    """What was changed and said again, in words."""
    actor: str | None = None
    published: EntryRange | None = None
    """Whose events were published once more, perhaps after later ones."""


def audit_event(repair: Repair) -> Record:
    """Return who repaired what, as `contracts.events.AuditRecorded`."""
    event_id = f"{repair.username}:{repair.id}:audit"
    at = rfc3339(repair.at)
    body = {
        "event_id": event_id,
        "username": repair.username,
        "action": "repair",
        "outcome": "accepted",
        "command_id": repair.id,
        "occurred_at": at,
    }
    if repair.actor is not None:
        body["actor"] = repair.actor
    body["detail"] = repair.detail[:DETAIL_LENGTH_MAX]
    trace = Trace(correlation_id=repair.id)
    common = common_headers(at, repair.username.encode(), trace, repair.id)
    return Record(encoded(body), headers_of(event_id, CeType.AUDIT_RECORDED, common))
