"""The header names that this service reads and writes, and how long each may be."""

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


class CeType:
    """CloudEvents types of what is published."""

    RESULT = "accounts.result.v1"
    REPLY = "accounts.reply.v1"
    BALANCE_CHANGED = "accounts.balance-changed.v1"
    AUDIT_RECORDED = "accounts.audit-recorded.v1"
    BALANCES = "accounts.balances.v1"
    SESSION_REVOKED = "accounts.session-revoked.v1"
    PENDING_CREDENTIAL = "accounts.pending-credential.v1"
