"""Schemas of the record headers that are read and written."""

from collections.abc import Mapping
from typing import Any

from contracts import headers
from contracts.dead_letters import DlqHeader
from contracts.headers import HEADER_LENGTH_MAX, CeType

Json = dict[str, Any]

READ = {
    headers.REPLY_TO: "Topic for the answer; must be one of the reply topics. Without it, or when "
    "the topic cannot be written, the answer goes to the results topic.",
    headers.CORRELATION_ID: "Echoed on everything that follows from this record. Without it, the "
    "command's or request's id.",
    headers.KAFKA_REPLY_TOPIC: "Spring's name for `reply_to`, which goes before it.",
    headers.KAFKA_CORRELATION_ID: "Spring's: any bytes; the answer has the same.",
    headers.ACTOR: "Who asked, as the sender claims it: stored and audited, not checked.",
    headers.TRACEPARENT: "W3C Trace Context; continued. One that is none counts as absent.",
    headers.TRACESTATE: "W3C Trace Context; continued. One that is none counts as absent.",
}

WRITTEN = {
    headers.CONTENT_TYPE: f"`{headers.JSON}`.",
    headers.CE_SPECVERSION: "CloudEvents version, `1.0`.",
    headers.CE_ID: "Identifies this message: said again, it has the same; another content has another.",
    headers.CE_SOURCE: f"`{headers.SOURCE}`.",
    headers.CE_TYPE: "What this is.",
    headers.CE_TIME: "When it was decided or answered: RFC 3339, UTC, milliseconds.",
    headers.CE_SUBJECT: "The username.",
    headers.CORRELATION_ID: "As on the command or request.",
    headers.CAUSATION_ID: "The command's or request's id.",
    headers.TRACEPARENT: "As on the command or request, if it had one.",
    headers.TRACESTATE: "As on the command or request, if it had one.",
}

TRACE = {
    headers.CORRELATION_ID,
    headers.CAUSATION_ID,
    headers.TRACEPARENT,
    headers.TRACESTATE,
}
OPTIONAL = {headers.TRACEPARENT, headers.TRACESTATE}

OF_ANSWERS = {
    headers.UNDELIVERED: "Only on an answer that could not be written to its `reply_to`: why.",
    headers.KAFKA_CORRELATION_ID: "As on the command or request, if it had one.",
}

DLQ = {
    DlqHeader.TOPIC: "Topic of the original record.",
    DlqHeader.PARTITION: "Its partition.",
    DlqHeader.OFFSET: "Its offset.",
    DlqHeader.FIRST_OFFSET: "Only where a whole batch could not be decoded: its first offset; the "
    "one before is its last, and the value is empty.",
    DlqHeader.TIMESTAMP: "Its broker timestamp, milliseconds since 1970.",
    DlqHeader.GROUP: "Consumer group that gave it up.",
    DlqHeader.CODE: "Why, as a stable key.",
    DlqHeader.REASON: "Why, for people. Never repeats the record's bytes.",
    DlqHeader.ATTEMPTS: "How often it was tried.",
    DlqHeader.AT: "When it was given up: RFC 3339, UTC, milliseconds.",
    DlqHeader.VERSION: "Version of the service that gave it up.",
}


def _text(description: str, **more: Any) -> Json:
    return {"type": "string", "description": description, **more}


def read() -> Json:
    """Return the headers that may be sent; none is needed, unknown ones are ignored."""
    return {
        "type": "object",
        "description": "All optional. A longer value counts as absent, and so does a binary one where text is due.",
        "properties": {
            name: _text(text, maxLength=HEADER_LENGTH_MAX[name]) for name, text in READ.items()
        },
    }


def written(ce_type: str, *, traced: bool = True, more: Mapping[str, str] | None = None) -> Json:
    """Return the headers of a published message; a state follows from no single command."""
    fixed = {
        headers.CONTENT_TYPE: headers.JSON,
        headers.CE_SPECVERSION: "1.0",
        headers.CE_SOURCE: headers.SOURCE,
        headers.CE_TYPE: ce_type,
    }
    more = dict(more or {})
    texts = {name: text for name, text in WRITTEN.items() if traced or name not in TRACE} | more
    return {
        "type": "object",
        "required": [name for name in texts if name not in {*OPTIONAL, *more}],
        "properties": {
            name: _text(text, **({"const": fixed[name]} if name in fixed else {}))
            for name, text in texts.items()
        },
    }


def schemas() -> dict[str, Json]:
    """Return the headers of every message, by the name of their schema."""
    found = {
        "SentHeaders": read(),
        "ResultHeaders": written(CeType.RESULT, more=OF_ANSWERS),
        "ReplyHeaders": written(CeType.REPLY, more=OF_ANSWERS),
        "BalanceChangedHeaders": written(CeType.BALANCE_CHANGED),
        "BalanceChangedV1Headers": written(CeType.BALANCE_CHANGED_V1),
        "AuditRecordedHeaders": written(CeType.AUDIT_RECORDED),
        "BalancesHeaders": written(CeType.BALANCES, traced=False),
        "SessionRevokedHeaders": written(CeType.SESSION_REVOKED),
        "DeadLetterHeaders": dead_letter(),
    }
    return {name: {"title": name, **each} for name, each in found.items()}


def dead_letter() -> Json:
    """Return the headers added to a dead letter, beside the original's own."""
    return {
        "type": "object",
        "description": "The original record's headers untouched, and these.",
        "required": [name for name in DLQ if name != DlqHeader.FIRST_OFFSET],
        "properties": {name: _text(text) for name, text in DLQ.items()},
    }
