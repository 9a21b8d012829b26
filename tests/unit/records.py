"""Records as a Kafka client hands them over, for tests of who reads them."""

from collections.abc import Mapping

import orjson

from client.kafka import Record
from tests.consumed import consumed
from tests.published import an_entry


def a_record(
    body: object = None,
    *,
    value: bytes | None = None,
    key: bytes | None = b"alice",
    offset: int = 0,
    correlation_id: bytes | None = b"c-1",
    ce_type: bytes | None = None,
) -> Record:
    """Return a record with *body* as its JSON value, or exactly *value*."""
    content = orjson.dumps(body) if value is None and body is not None else value
    named = (("correlation_id", correlation_id), ("ce_type", ce_type))
    given = tuple((name, header) for name, header in named if header is not None)
    headers = (*given, ("binary", b"\xff"))
    return consumed("accounts.results", content, key=key, headers=headers, offset=offset)


def a_result_body(**changed: object) -> Mapping[str, object]:
    """Return the answer to a deposit, as it is published."""
    return {
        "command_id": "c-1",
        "username": "alice",
        "type": "deposit",
        "status": "accepted",
        "duplicate": False,
        "decided_at": "2030-01-01T12:00:00.000Z",
        "entry": an_entry(1, "10.50", amount="10.50").model_dump(mode="json", exclude_none=True),
        **changed,
    }


def a_refusal_body(code: str = "insufficient_funds") -> Mapping[str, object]:
    """Return the answer to a withdrawal that was refused, as it is published."""
    error = {"code": code, "title": "T", "detail": "D", "retryable": False, "type": "/t"}
    return {**a_result_body(type="withdraw", status="rejected", error=error), "entry": None}
