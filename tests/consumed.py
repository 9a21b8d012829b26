"""Records as a Kafka client hands them over."""

from collections.abc import Sequence
from typing import Any

from aiokafka import ConsumerRecord


def consumed(
    topic: str,
    value: bytes | None,
    *,
    key: bytes | None = b"alice",
    headers: Sequence[tuple[str, bytes | None]] = (),
    offset: int = 0,
    partition: int = 3,
) -> ConsumerRecord[Any, Any]:
    """Return the record at *offset* of *topic*, appended in 2030."""
    return ConsumerRecord(
        topic=topic,
        partition=partition,
        offset=offset,
        timestamp=1_893_456_000_123,
        timestamp_type=1,
        key=key,
        value=value,
        checksum=None,
        serialized_key_size=len(key or b""),
        serialized_value_size=len(value or b""),
        headers=tuple(headers),  # type: ignore[arg-type]  # null values do come
    )
