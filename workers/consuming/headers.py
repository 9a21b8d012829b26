"""The headers of an input record: what a sender may add, and nobody has to."""

import re
from collections.abc import Mapping, Sequence

from contracts import headers as names
from contracts.text import is_plain
from handlers.outcome import Trace

_PLAIN = re.compile(r"[ -~]+\Z")


def read_headers(raw: Sequence[tuple[str, bytes | None]]) -> Mapping[str, str]:
    """Return the headers we read; one that is null, binary or too long is as good as absent."""
    if not raw:
        return {}
    found: dict[str, str] = {}
    for name, value in raw:
        longest = names.HEADER_LENGTH_MAX.get(name)
        if longest is None or value is None or len(value) > longest:
            continue
        try:
            text = value.decode()
        except UnicodeDecodeError:
            continue
        if text and is_plain(text):
            found[name] = text
    return found


def reply_to_of(headers: Mapping[str, str]) -> str | None:
    """Return the topic that *headers* want the answer on."""
    return headers.get(names.REPLY_TO) or headers.get(names.KAFKA_REPLY_TOPIC)


def kafka_correlation_id(raw: Sequence[tuple[str, bytes | None]]) -> bytes | None:
    """Return what Spring tells its answers apart by, as it came: it is seldom text."""
    if not raw:
        return None
    longest = names.HEADER_LENGTH_MAX[names.KAFKA_CORRELATION_ID]
    found = None
    for name, value in raw:
        if name == names.KAFKA_CORRELATION_ID and value is not None and len(value) <= longest:
            found = value
    return found


def trace_of(headers: Mapping[str, str], cause: str) -> Trace:
    """Return the trace that *headers* continue; *cause* correlates where they say nothing."""
    if not headers:
        return Trace(correlation_id=cause)
    correlation_id = headers.get(names.CORRELATION_ID, cause)
    traceparent = headers.get(names.TRACEPARENT)
    if traceparent is not None and not names.is_traceparent(traceparent):
        traceparent = None
    # W3C Trace Context §3.3: without a valid traceparent, tracestate has no meaning.
    tracestate = headers.get(names.TRACESTATE) if traceparent else None
    if tracestate is not None and not names.is_tracestate(tracestate):
        tracestate = None
    return Trace(
        correlation_id=correlation_id if _PLAIN.match(correlation_id) else cause,
        traceparent=traceparent,
        tracestate=tracestate,
    )
