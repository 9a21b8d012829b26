"""Records as they are read: bytes, whatever they hold."""

from dataclasses import dataclass
from typing import Any, TypeAlias

from aiokafka import ConsumerRecord

from client.batches import Mark

Raw: TypeAlias = ConsumerRecord[bytes | None, bytes | None]


@dataclass
class Malformed(ConsumerRecord[bytes | None, bytes | None]):
    """A record that must not be taken at its word: it shows no value, whoever reads it."""

    fault: str
    first: int
    """Offset of the first record that it stands for."""
    original: Raw | None
    """What can be read of it all the same; None where it stands for a whole batch."""


def malformed(record: ConsumerRecord[Any, Any], mark: Mark) -> Malformed:
    """Return what stands for *record*, which *mark* is about."""
    fields: dict[str, Any] = {**vars(record), "value": None}
    original = None if mark.whole else record
    return Malformed(**fields, fault=mark.reason, first=mark.first, original=original)
