"""Records that could not be understood, as they go to the dead-letter topic."""

import hashlib
from collections.abc import Sequence

from contracts.codes import Code
from contracts.dead_letters import DlqHeader, WithheldValue
from contracts.message import rfc3339
from contracts.topics import RECORD_BYTES_MAX, TopicSpec
from workers.batches.secrecy import may_be_secret, may_keep_header, may_keep_key
from workers.clock import utc_now
from workers.consuming.records import Malformed, Raw
from workers.kafka.publishing import Outgoing
from workers.monitoring.version import VERSION

REASON_LENGTH_MAX = 1024
"""Characters of `dlq_reason`: all field problems of one record, bounded."""

HEADER_BYTES_MAX = 10
"""What Kafka adds to a header: two lengths. Without it a million empty ones would count nothing."""


def dead_letter(
    record: Raw, topic: TopicSpec, code: Code, reason: str, *, group: str, to: str
) -> Outgoing:
    """Return *record* for the topic *to*: untouched, unless it may hold a secret or is too large."""
    if isinstance(record, Malformed) and record.original is not None:
        record = record.original
    # A readable password was found, wherever it was sent and however its name was written.
    secretive = topic.carries_secrets or code is Code.UNSEALED_PASSWORD
    headers: list[tuple[str, bytes]] = [
        (name, value)
        for name, value in record.headers
        if may_keep_header(name, value, secretive=secretive)
    ]
    size = sum(len(name.encode()) + len(value or b"") + HEADER_BYTES_MAX for name, value in headers)
    value, key = record.value, record.key
    if not may_keep_key(key, secretive=secretive) or len(key or b"") >= RECORD_BYTES_MAX // 2:
        key = None
    if value is not None and (
        secretive
        or key != record.key  # sent again, it would stand in for the original
        or may_be_secret(value)
        or len(value) + size + len(key or b"") > RECORD_BYTES_MAX
    ):
        value = _withheld(record, value)
    if size > RECORD_BYTES_MAX // 2:
        headers = []
    return Outgoing(
        topic=to,
        key=key,
        # Null would delete nothing here, but readers expect bytes.
        value=value if value is not None else b"",
        headers=[*headers, *_why(record, code, reason, group)],
    )


def _why(record: Raw, code: Code, reason: str, group: str) -> Sequence[tuple[str, bytes]]:
    said = {
        DlqHeader.TOPIC: record.topic,
        DlqHeader.PARTITION: str(record.partition),
        DlqHeader.OFFSET: str(record.offset),
        DlqHeader.TIMESTAMP: str(record.timestamp),
        DlqHeader.GROUP: group,
        DlqHeader.CODE: code.value,
        DlqHeader.REASON: reason[:REASON_LENGTH_MAX],
        DlqHeader.ATTEMPTS: "1",
        DlqHeader.AT: rfc3339(utc_now()),
        DlqHeader.VERSION: VERSION,
    }
    if isinstance(record, Malformed):
        said[DlqHeader.FIRST_OFFSET] = str(record.first)
    return [(name, text.encode()) for name, text in said.items()]


def _withheld(record: Raw, value: bytes) -> bytes:
    return (
        WithheldValue(
            sha256=hashlib.sha256(value).hexdigest(),
            length=len(value),
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
        )
        .model_dump_json()
        .encode()
    )
