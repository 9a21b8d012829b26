"""One request as it was read: what it asks, and where and when it stood."""

import msgspec

from contracts.requests import AnyRequest
from handlers.outcome import Source, Trace, outcome_id


class Asked(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A readable request, with what its record and headers add."""

    request: AnyRequest
    type: str
    """Its name, such as `get-balance`."""
    source: Source
    """Where its record stands."""
    timestamp_ms: int
    """Broker time."""
    trace: Trace
    reply_to: str | None = None
    actor: str | None = None
    record: object = None
    """As it was read; only its dead letter looks inside."""

    @property
    def id(self) -> str:
        """What identifies the request: `<username>:<request_id>`."""
        return outcome_id(self.request.username, self.request.request_id)
