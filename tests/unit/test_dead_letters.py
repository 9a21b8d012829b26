"""Dead letters always fit: one that does not would be published again for ever (P10)."""

from collections.abc import Sequence
from typing import Any

from aiokafka import ConsumerRecord

from contracts.codes import Code
from contracts.dead_letters import DlqHeader
from contracts.topics import DEPOSIT, RECORD_BYTES_MAX
from workers.dead_letters import dead_letter
from workers.publishing import Outgoing


def buried(value: bytes, headers: Sequence[tuple[str, Any]]) -> Outgoing:
    """Return the dead letter of a deposit."""
    record = ConsumerRecord[bytes | None, bytes | None](
        topic="accounts.commands.deposit",
        partition=3,
        offset=7,
        timestamp=1_893_456_000_123,
        timestamp_type=1,
        key=b"alice",
        value=value,
        checksum=None,
        serialized_key_size=5,
        serialized_value_size=len(value),
        headers=tuple(headers),
    )
    return dead_letter(
        record, DEPOSIT, Code.INVALID_COMMAND, "amount: missing", group="g", to="dead"
    )


def test_headers_without_names_and_values_count_too() -> None:
    """Compressed by their sender, millions of them fit into one small batch."""
    letter = buried(b"{}", [("", None)] * RECORD_BYTES_MAX)

    assert {name for name, _ in letter.headers} <= set(vars(DlqHeader).values())


def test_a_few_headers_stay_as_they_are() -> None:
    sent = [("mine", b"\xff"), ("", None)]

    letter = buried(b"{}", sent)

    assert list(letter.headers[:2]) == sent
    assert letter.value == b"{}"
