"""The header names that this service reads and writes, how long each may be, and which traces are."""

import re

REPLY_TO = "reply_to"
CORRELATION_ID = "correlation_id"
CAUSATION_ID = "causation_id"
ACTOR = "actor"
TRACEPARENT = "traceparent"
TRACESTATE = "tracestate"
CONTENT_TYPE = "content-type"
CE_SPECVERSION = "ce_specversion"
CE_ID = "ce_id"
CE_SOURCE = "ce_source"
CE_TYPE = "ce_type"
CE_TIME = "ce_time"
CE_SUBJECT = "ce_subject"
UNDELIVERED = "undelivered_reply_to"
"""On an answer that fell back to `accounts.results`: why it is not where it was asked for."""

KAFKA_REPLY_TOPIC = "kafka_replyTopic"
"""What Spring's `ReplyingKafkaTemplate` calls `reply_to` unless it is told otherwise."""
KAFKA_CORRELATION_ID = "kafka_correlationId"
"""What it knows its answers by: bytes, which go back as they came."""

JSON = "application/json"
SOURCE = "/accounts"

HEADER_LENGTH_MAX = {
    REPLY_TO: 249,  # Kafka's longest topic name
    CORRELATION_ID: 128,  # as long as a command id, its default
    ACTOR: 128,
    KAFKA_REPLY_TOPIC: 249,
    KAFKA_CORRELATION_ID: 128,  # Spring's own are 16 bytes
    TRACEPARENT: 55,  # W3C Trace Context §3.2: version 00 has exactly this length
    TRACESTATE: 512,  # W3C Trace Context §3.3.1.5: at least 512 characters are propagated
}
"""Characters of each header that is read; a longer one is treated as absent."""

_TRACEPARENT = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}", re.ASCII
)
"""W3C Trace Context §3.2.2: version ff is forbidden; ids of zeros name nothing."""

TRACESTATE_MEMBERS_MAX = 32
"""W3C Trace Context §3.3.1.1: a list of at most 32 members."""

_MEMBER = re.compile(
    r"[a-z][a-z0-9_*/-]{0,255}(?:@[a-z][a-z0-9_*/-]{0,13})?"
    r"|[a-z0-9][a-z0-9_*/-]{0,240}@[a-z][a-z0-9_*/-]{0,13}",
    re.ASCII,
)
"""W3C Trace Context §3.3.1.3.1: a key, of one vendor or of a tenant's."""
_MEMBER_VALUE = re.compile(r"[ -+\--<>-~]{0,255}[!-+\--<>-~]", re.ASCII)
"""W3C Trace Context §3.3.1.3.2: printable ASCII without comma and equals sign, no space at its end."""


def is_traceparent(text: str) -> bool:
    """Say whether *text* names a parent that a trace can go on from."""
    return _TRACEPARENT.fullmatch(text) is not None


def is_tracestate(text: str) -> bool:
    """Say whether *text* is a list of vendors' entries, no key twice."""
    members = [member for each in text.split(",") if (member := each.strip(" \t"))]
    keys: set[str] = set()
    for member in members:
        key, _, value = member.partition("=")
        if not _MEMBER.fullmatch(key) or not _MEMBER_VALUE.fullmatch(value):
            return False
        keys.add(key)
    return 0 < len(keys) == len(members) <= TRACESTATE_MEMBERS_MAX


class CeType:
    """CloudEvents types of what is published."""

    RESULT = "accounts.result.v2"
    REPLY = "accounts.reply.v2"
    BALANCE_CHANGED = "accounts.balance-changed.v2"
    BALANCE_CHANGED_V1 = "accounts.balance-changed.v1"
    AUDIT_RECORDED = "accounts.audit-recorded.v1"
    BALANCES = "accounts.balances.v1"
    SESSION_REVOKED = "accounts.session-revoked.v1"
    PENDING_CREDENTIAL = "accounts.pending-credential.v1"
