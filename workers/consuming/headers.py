"""The headers of an input record: what a sender may add, and nobody has to."""

import re
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from contracts import headers as names
from contracts.text import is_plain
from handlers.model.outcome import Trace

_PLAIN = re.compile(r"[ -~]+\Z")

RawHeaders: TypeAlias = Sequence[tuple[str, bytes | None]]

Added: TypeAlias = tuple[Trace, str | None, bytes | None, str | None]
"""Trace, `reply_to`, `kafka_correlationId` and actor."""


def added_by(raw: RawHeaders, cause: str) -> Added:
    """Return what a sender may add to a command or request; *cause* correlates where it says nothing."""
    if not raw:
        return Trace(correlation_id=cause), None, None, None
    headers = read_headers(raw)
    return (
        trace_of(headers, cause),
        headers.get(names.REPLY_TO) or headers.get(names.KAFKA_REPLY_TOPIC),
        kafka_correlation_id(raw),
        headers.get(names.ACTOR),
    )


def read_headers(raw: RawHeaders) -> Mapping[str, str]:
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


def kafka_correlation_id(raw: RawHeaders) -> bytes | None:
    """Return what Spring tells its answers apart by, as it came: it is seldom text."""
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
