"""Batches of ours: the bytes are those that aiokafka writes, whatever is in them."""

from typing import Any

import pytest
from aiokafka.producer.message_accumulator import BatchBuilder
from hypothesis import given
from hypothesis import strategies as st

from client.record_format import RECORDS_FROM
from contracts.headers import CeType
from handlers.model.outcome import Trace
from handlers.wire.rendering import Headers, common_headers, headers_of
from tests.batches import records_of
from workers.kafka.record_batches import HeaderBlocks, RecordBatch, sized

AT_MS = 1_900_000_000_000
AT = "2030-01-01T12:00:00.000Z"
SENDER = (7, 1, 42)
ROOMY = 1 << 30

KEYS = st.none() | st.binary(max_size=70)
VALUES = st.binary(max_size=200) | st.builds(bytes, st.integers(4000, 20_000))
OTHERS = st.lists(st.tuples(st.text(max_size=8), st.none() | st.binary(max_size=70)), max_size=4)
COMMON = st.builds(
    common_headers,
    st.just(AT),
    st.binary(max_size=128),
    st.builds(
        Trace,
        correlation_id=st.text(max_size=80),
        traceparent=st.none() | st.just("00-1-2-03"),
        tracestate=st.none() | st.just("a=b"),
    ),
    st.text(max_size=128),
)


def an_outcomes(common: Any, ids: list[tuple[str, str]]) -> list[Headers]:
    return [headers_of(identifier, kind, common) for identifier, kind in ids]


OURS = st.builds(
    an_outcomes,
    COMMON,
    st.lists(
        st.tuples(st.text(max_size=200), st.sampled_from([CeType.RESULT, CeType.BALANCES])),
        min_size=1,
        max_size=4,
    ),
)
RECORDS = st.lists(st.tuples(KEYS, VALUES, OURS | OTHERS.map(lambda each: [each])), max_size=6)


def ours(records: Any, bytes_max: int) -> tuple[RecordBatch, int]:
    """Return a batch of as many as there is room for, and how many these are."""
    batch, blocks = RecordBatch(at_ms=AT_MS, bytes_max=bytes_max), HeaderBlocks()
    for count, (key, value, headers) in enumerate(records):
        if not batch.append(sized(key), value, blocks.of(headers)):
            return batch, count
    return batch, len(records)


def aiokafkas(records: Any, bytes_max: int) -> tuple[Any, int]:
    batch: Any = BatchBuilder(bytes_max, 0)
    for count, (key, value, headers) in enumerate(records):
        said: list[Any] = [*headers]
        if batch.append(timestamp=AT_MS, key=key, value=value, headers=said) is None:
            return batch, count
    return batch, len(records)


def built(batch: Any) -> bytes:
    """Return the bytes as aiokafka asks for them."""
    batch._set_producer_state(*SENDER)  # noqa: SLF001 - so it is called
    return bytes(batch._build())  # noqa: SLF001 - so it is called


@given(drawn=RECORDS, room=st.sampled_from([ROOMY, 4000, 300, 0]))
def test_the_bytes_are_aiokafkas(drawn: Any, room: int) -> None:
    records = [(key, value, headers) for key, value, all_of in drawn for headers in all_of]
    own, taken = ours(records, room)
    other, taken_there = aiokafkas(records, room)

    assert taken == taken_there == own.record_count() == other.record_count()
    if records:
        assert built(own) == built(other)
        assert own.closed()


def test_more_records_than_numbers_are_kept_at_hand() -> None:
    records: list[Any] = [(b"k", b"v", [])] * 5000

    assert built(ours(records, ROOMY)[0]) == built(aiokafkas(records, ROOMY)[0])


@pytest.mark.parametrize("room", [-1, 0, 1])
def test_is_full_to_the_byte(room: int) -> None:
    record = (b"key", b"value", [("name", b"content")])
    size = len(built(ours([record], ROOMY)[0])) - RECORDS_FROM
    batch, taken = ours([record, record], RECORDS_FROM + 2 * size + room)

    assert (taken, batch.closed()) == ((1, True) if room < 0 else (2, False))


def test_is_the_same_at_each_attempt() -> None:
    batch, _ = ours([(b"k", b"v", [("a", None)])], ROOMY)
    first = built(batch)

    assert built(batch) == first
    [record] = records_of(batch)
    assert (record.key, record.value, record.headers) == (b"k", b"v", [("a", None)])
