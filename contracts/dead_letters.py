"""Records that could not be understood: their bytes and headers untouched, plus why."""

from contracts.message import Published


class DlqHeader:
    """String headers added to a dead letter."""

    TOPIC = "dlq_topic"
    PARTITION = "dlq_partition"
    OFFSET = "dlq_offset"
    FIRST_OFFSET = "dlq_first_offset"
    """Only where a whole batch could not be decoded: it begins here, and ends at `OFFSET`."""
    TIMESTAMP = "dlq_timestamp"
    GROUP = "dlq_group"
    CODE = "dlq_code"
    REASON = "dlq_reason"
    ATTEMPTS = "dlq_attempts"
    AT = "dlq_at"
    VERSION = "dlq_version"


class WithheldValue(Published):
    """Stands for a value that may hold a secret or does not fit: where the original is."""

    sha256: str
    length: int
    topic: str
    partition: int
    offset: int
