"""Which headers of a record count, and what goes back with its answer."""

import pytest

from contracts.headers import HEADER_LENGTH_MAX, KAFKA_CORRELATION_ID, KAFKA_REPLY_TOPIC, REPLY_TO
from handlers.wire.rendering import Record
from tests.received import a_registration, received
from tests.unit.raw import DEPOSIT_BODY, a_raw
from workers.batches.outgoing_batch import OutgoingBatch, ReplyAddress
from workers.batches.parsing import CommandParser
from workers.consuming.headers import added_by, kafka_correlation_id
from workers.kafka.topic_names import TopicNames

OURS, SPRINGS = (
    (REPLY_TO, b"accounts.replies.ours"),
    (KAFKA_REPLY_TOPIC, b"accounts.replies.spring"),
)
BINARY = bytes(range(240, 256))
"""What `ReplyingKafkaTemplate` makes of a UUID: no text."""
ID = (KAFKA_CORRELATION_ID, BINARY)


@pytest.mark.parametrize(
    ("headers", "wanted"),
    [
        ([], None),
        ([OURS], "accounts.replies.ours"),
        ([SPRINGS], "accounts.replies.spring"),
        ([SPRINGS, OURS], "accounts.replies.ours"),
        ([OURS, SPRINGS], "accounts.replies.ours"),
        ([(KAFKA_REPLY_TOPIC, b"\xff")], None),
        ([(KAFKA_REPLY_TOPIC, None)], None),
        ([(KAFKA_REPLY_TOPIC, b"x" * 250)], None),
    ],
)
def test_the_answer_is_wanted_on_our_own_header_or_on_springs(
    headers: list[tuple[str, bytes | None]], wanted: str | None
) -> None:
    _, reply_to, _, _ = added_by(headers, "c-1")

    assert reply_to == wanted


LONGEST = b"x" * HEADER_LENGTH_MAX[KAFKA_CORRELATION_ID]


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ([], None),
        ([ID], BINARY),
        ([("correlation_id", b"c"), ID], BINARY),
        ([(KAFKA_CORRELATION_ID, b"first"), ID], BINARY),
        ([(KAFKA_CORRELATION_ID, b"")], b""),
        ([(KAFKA_CORRELATION_ID, None)], None),
        ([(KAFKA_CORRELATION_ID, LONGEST)], LONGEST),
        ([(KAFKA_CORRELATION_ID, LONGEST + b"x")], None),
    ],
)
def test_springs_correlation_id_is_any_bytes(
    headers: list[tuple[str, bytes | None]], found: bytes | None
) -> None:
    assert kafka_correlation_id(headers) == found


def answered(asks: ReplyAddress) -> list[tuple[str, bytes]]:
    batch = OutgoingBatch(names=TopicNames.under("accounts."), group="g", read_at_s=0)
    batch.answer(b"alice", Record(b"{}", [("ce_id", b"1")]), asks)
    [said] = [*batch.records, *(reply.answer for reply in batch.replies)]
    return list(said.headers)


@pytest.mark.parametrize("body", [{}, {"amount": 1}], ids=["readable", "unreadable"])
def test_it_goes_back_with_the_answer(body: dict[str, object]) -> None:
    parser = CommandParser("accounts.")
    read = parser.parse(a_raw({**DEPOSIT_BODY, **body}, headers=[ID, SPRINGS]))
    without = parser.parse(a_raw({**DEPOSIT_BODY, **body}, headers=[SPRINGS]))

    assert read.reply_to == without.reply_to == "accounts.replies.spring"
    assert answered(read) == [("ce_id", b"1"), ID]
    assert answered(without) == [("ce_id", b"1")]


def test_what_says_nothing_of_it_is_answered_without() -> None:
    assert answered(received(a_registration())) == [("ce_id", b"1")]
