"""One request as it was read: what it asks, and where and when it stood."""

import hashlib

import msgspec
import orjson

from contracts.requests import AnyRequest
from handlers.outcome import Source, Trace, outcome_id
from handlers.received import FINGERPRINT_BYTES


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
    kafka_correlation_id: bytes | None = None
    """Goes back with the reply, as it came."""
    actor: str | None = None
    record: object = None
    """As it was read; only its dead letter looks inside."""

    @property
    def id(self) -> str:
        """What identifies the request: `<username>:<request_id>`."""
        return outcome_id(self.request.username, self.request.request_id)

    @property
    def fingerprint(self) -> bytes:
        """What tells a repeat from another content under the same id: every field, as it was sent.

        Sealed ones, too: what is in them is the content, and only their sender can compare it.
        """
        text = orjson.dumps([self.type, sorted(self.request.model_dump().items())])
        return hashlib.blake2b(text, digest_size=FINGERPRINT_BYTES).digest()
