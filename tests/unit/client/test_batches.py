"""Batches are bounded and readable, whatever is in them (P10, P12)."""

import struct
from collections.abc import Sequence
from typing import Any

import pytest
from aiokafka.record.memory_records import MemoryRecords

from client.batches import UNPACKED_BYTES_MAX, Fetched, Mark, Readable, is_packed, readable
from client.legacy_format import LEGACY_UNPACKED_BYTES_MAX
from client.unpacking import Budget
from tests.batches import (
    CODECS,
    GZIP,
    LZ4,
    PLAIN,
    ZSTD,
    a_batch,
    a_bomb,
    a_legacy_message,
    a_record,
    a_record_of_zeros,
    packed,
    zeros,
)

TWO = a_record(b"one") + a_record(b"two", delta=1)
BAD_NAME = a_record(b"two", delta=1, headers=[(b"ok", b"1"), (b"n\xff", b"\xfe")])
MIDDLE = a_record(b"one") + BAD_NAME + a_record(b"three", delta=2)


def look(*batches: bytes, position: int = 0, end: int = 1000, closely: bool = True) -> Readable:
    fetched = Fetched(data=b"".join(batches), position=position, end=end)
    return readable(fetched, Budget(UNPACKED_BYTES_MAX), closely=closely)


def records_of(found: Readable) -> Sequence[Any]:
    """Return what aiokafka reads of it."""
    memory: Any = MemoryRecords(found.data)
    records: list[Any] = []
    while memory.has_next():
        batch = memory.next_batch()
        assert batch.validate_crc()
        records += batch
    return records


def values(found: Readable) -> Sequence[tuple[int, bytes | None]]:
    return [(record.offset, record.value) for record in records_of(found)]


class TestIsPacked:
    def test_says_whether_any_batch_is_compressed(self) -> None:
        plain, zstd = a_batch(TWO, count=2), a_batch(packed("zstd", [TWO]), codec=ZSTD, count=2)

        assert not is_packed(b"")
        assert not is_packed(plain + plain + zstd[:-1])  # the last is cut off, and comes again
        assert is_packed(plain + zstd)

    @pytest.mark.parametrize("magic", [0, 1])
    def test_knows_the_older_formats(self, magic: int) -> None:
        assert not is_packed(a_legacy_message(b"x", magic=magic))
        assert is_packed(a_legacy_message(b"x", codec=GZIP, magic=magic))


class TestReadable:
    @pytest.mark.parametrize("closely", [False, True])
    @pytest.mark.parametrize("codec", CODECS)
    def test_unpacks_what_fits(self, codec: str, *, closely: bool) -> None:
        batch = a_batch(packed(codec, [TWO]), codec=CODECS[codec], count=2, base=5)

        found = look(batch, closely=closely)

        assert not is_packed(found.data)
        assert values(found) == [(5, b"one"), (6, b"two")]
        assert found.marks == {}

    @pytest.mark.parametrize("closely", [False, True])
    @pytest.mark.parametrize("codec", CODECS)
    def test_marks_what_does_not(self, codec: str, *, closely: bool) -> None:
        found = look(a_bomb(UNPACKED_BYTES_MAX, codec=codec, base=5), closely=closely)

        assert values(found) == [(5, None)]
        assert "16777216" in found.marks[5].reason
        assert found.marks[5].whole

    def test_leaves_what_is_not_compressed_as_it_is(self) -> None:
        batch = a_batch(TWO, count=2)

        assert look(batch, batch[:-1], closely=False).data == batch + batch[:-1]

    def test_ends_where_the_budget_does(self) -> None:
        """The next fetch begins with the rest."""
        half = UNPACKED_BYTES_MAX // 2
        plain = a_batch(TWO, count=2, base=3)

        found = look(*(a_bomb(half, base=base) for base in range(3)), plain)

        assert [record.offset for record in records_of(found)] == [0]
        assert found.marks == {}

    def test_tries_one_batch_too_large_in_a_fetch(self) -> None:
        """Sixty of them are fetched together, and would cost sixty times as much."""
        found = look(*(a_bomb(UNPACKED_BYTES_MAX, base=base) for base in range(3)))

        assert values(found) == [(0, None)]
        assert list(found.marks) == [0]

    @pytest.mark.parametrize("codec", [PLAIN, ZSTD])
    def test_mends_and_marks_a_header_name(self, codec: int) -> None:
        batch = a_batch(packed("zstd", [MIDDLE]) if codec else MIDDLE, codec=codec, count=3, base=7)

        found = look(batch)

        assert values(found) == [(7, b"one"), (8, b"two"), (9, b"three")]
        assert records_of(found)[1].headers == [("ok", b"1"), ("n?", b"\xfe")]
        assert found.marks == {8: Mark(8, 8, "a header's name is not UTF-8", whole=False)}

    @pytest.mark.parametrize(
        "records",
        [
            b"",
            TWO[:-1],
            TWO + b"\x00",
            b"\xff" * 40,
            a_record(b"one") + a_record(b"two")[:-1] + b"\x02",  # a header, and nothing of it
            a_record(b"one") + BAD_NAME[:-1],
            a_record(b"one", headers=[(b"\xff", b"")])[:-1] + b"\x7e",
        ],
        ids=["none", "short", "long", "garbage", "headers", "name", "value"],
    )
    def test_marks_records_that_are_none(self, records: bytes) -> None:
        found = look(a_batch(records, count=2, base=7))

        assert values(found) == [(8, None)]
        assert found.marks == {8: Mark(7, 8, "its records are malformed")}

    def test_begins_where_reading_does(self) -> None:
        found = look(a_batch(b"garbage", codec=ZSTD, count=9, base=10), position=14)

        assert [(mark.first, mark.last) for mark in found.marks.values()] == [(14, 18)]

    @pytest.mark.parametrize("closely", [False, True])
    def test_believes_a_damaged_batch_only_what_fits(self, *, closely: bool) -> None:
        good = a_batch(TWO, count=2, base=7)
        damaged = bytearray(a_batch(TWO, count=2, base=5))
        damaged[-1] ^= 1

        found = look(bytes(damaged), good, closely=closely)

        if not closely:  # it may have been damaged on its way
            assert found.data == bytes(damaged) + good
            return
        assert values(found) == [(6, None), (7, b"one"), (8, b"two")]
        assert found.marks[6].ends

    def test_does_not_guess_where_a_damaged_batch_ends(self) -> None:
        damaged = bytearray(a_batch(TWO, count=2, base=5))
        struct.pack_into(">i", damaged, 23, 700)  # the offset of its last record

        found = look(bytes(damaged), a_batch(TWO, count=2, base=7), position=5)

        assert not found.marks[5].ends
        assert values(found)[0] == (5, None)

    def test_reads_up_to_what_has_no_end(self) -> None:
        unknown = bytearray(a_batch(TWO, count=2, base=7))
        unknown[16] = 3  # a format to come

        found = look(a_batch(TWO, count=2, base=5), bytes(unknown), position=5)

        assert values(found) == [(5, b"one"), (6, b"two")]
        assert found.marks == {}
        assert not look(bytes(unknown), position=7).marks[7].ends

    def test_marks_a_length_that_is_none(self) -> None:
        found = look(struct.pack(">qi", 7, -5) + bytes(60), position=7)

        assert not found.marks[7].ends
        assert values(found) == [(7, None)]


class TestLegacy:
    @pytest.mark.parametrize("magic", [0, 1])
    def test_is_left_to_the_library(self, magic: int) -> None:
        inner = a_legacy_message(b"one", magic=magic)
        message = a_legacy_message(packed("gzip", [inner]), codec=GZIP, magic=magic, offset=4)

        found = look(message, a_legacy_message(b"two", magic=magic, offset=5))

        assert [value for _, value in values(found)] == [b"one", b"two"]
        assert found.marks == {}

    @pytest.mark.parametrize("closely", [False, True])
    @pytest.mark.parametrize(("magic", "codec"), [(0, GZIP), (1, GZIP), (1, LZ4)])
    def test_is_bounded(self, magic: int, codec: int, *, closely: bool) -> None:
        name = {GZIP: "gzip", LZ4: "lz4"}[codec]
        bomb = packed(name, zeros(LEGACY_UNPACKED_BYTES_MAX + 1))

        found = look(
            a_legacy_message(bomb, codec=codec, magic=magic, offset=9), position=4, closely=closely
        )

        assert values(found) == [(9, None)]
        assert (found.marks[9].first, found.marks[9].last) == (4, 9)

    def test_that_holds_garbage_is_marked(self) -> None:
        message = a_legacy_message(packed("gzip", [b"garbage" * 9]), codec=GZIP, offset=9)

        assert look(message, position=9).marks[9].reason == "its records are malformed"

    def test_that_is_damaged_has_no_certain_end(self) -> None:
        message = bytearray(a_legacy_message(b"one", offset=9))
        message[-1] ^= 1

        assert not look(bytes(message), position=9).marks[9].ends


def test_a_record_of_zeros_is_one() -> None:
    """The pieces that the bombs are made of."""
    assert b"".join(a_record_of_zeros(5)) == a_record(bytes(5))
