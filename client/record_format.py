"""Record batches of format 2, the one that Kafka has written since 0.11, byte by byte."""

# https://kafka.apache.org/documentation/#recordbatch

import struct
from collections.abc import Callable
from typing import NamedTuple

from aiokafka.record.util import calc_crc32c, encode_varint

FORMAT = 2

CODECS = 0b111
"""The bits of the attributes that name the codec; 0 where nothing is compressed."""

CONTROL = 0b100000
"""The bit of a batch that the broker wrote itself, at the end of a transaction."""

LENGTH_FROM = 12
"""From here on a batch's length counts; the base offset and itself stand before."""

CHECKED_FROM = 21
"""From here on, the attributes, a batch is covered by its checksum."""

_HEAD = struct.Struct(">qiibI")
_CHECKED = struct.Struct(">hiqqqhii")

RECORDS_FROM = _HEAD.size + _CHECKED.size

_NULL = b"\x01"
_NOTHING = b"\x00"
_QUESTION_MARK = 0x3F
_ASCII_MAX = 0x7F


class Header(NamedTuple):
    """What stands before a batch's records."""

    base: int
    """Offset of its first record."""
    epoch: int
    attributes: int
    last_delta: int
    """Offset of its last record, from `base` on."""
    first_ms: int
    max_ms: int
    producer_id: int
    producer_epoch: int
    sequence: int
    record_count: int

    @property
    def last(self) -> int:
        """Offset of its last record."""
        return self.base + self.last_delta


def header_of(batch: bytes) -> Header:
    """Return what *batch* says of itself."""
    base, _, epoch, _, _ = _HEAD.unpack_from(batch)
    return Header(base, epoch, *_CHECKED.unpack_from(batch, CHECKED_FROM))


def is_whole(batch: bytes) -> bool:
    """Return whether the checksum of *batch* is right."""
    return bool(_HEAD.unpack_from(batch)[-1] == calc_crc32c(batch[CHECKED_FROM:]))


def batch_of(header: Header, records: bytes) -> bytes:
    """Return a batch of *records*, which are not compressed."""
    return head_of(header, records, checksum=_checksum) + records


def head_of(header: Header, records: bytes, *, checksum: Callable[[bytes, bytes], int]) -> bytes:
    """Return what stands before *records*, which are not compressed; *checksum* is of two parts."""
    base, epoch, attributes, *others = header
    checked = _CHECKED.pack(attributes & ~CODECS, *others)
    length = RECORDS_FROM + len(records) - LENGTH_FROM
    return _HEAD.pack(base, length, epoch, FORMAT, checksum(checked, records)) + checked


def _checksum(checked: bytes, records: bytes) -> int:
    return calc_crc32c(checked + records)


def batch_of_nothing(header: Header) -> bytes:
    """Return a batch with one record in place of all that *header* counts: empty, the last one."""
    body = bytearray(_NOTHING + _NOTHING)  # attributes, milliseconds since the first
    encode_varint(header.last_delta, body.append)
    body += _NULL + _NULL + _NOTHING  # key, value, headers
    records = bytearray()
    encode_varint(len(body), records.append)
    return batch_of(header._replace(record_count=1), bytes(records + body))


def mend_names(records: bytearray, count: int) -> list[int]:
    """Put question marks into header names that are not UTF-8; return those records' offsets.

    They count from the batch's base. A name keeps its length, so nothing else has to change.

    Raises:
        ValueError, IndexError: These are not *count* records, one after the other.
    """
    mended: list[int] = []
    at = 0
    for _ in range(count):
        length, start = _varint(records, at)
        end = start + length
        _, at = _varint(records, start + 1)
        delta, at = _varint(records, at)
        at = _behind_bytes(records, _behind_bytes(records, at))  # key, value
        headers, at = _varint(records, at)
        is_mended = False
        for _ in range(headers):
            behind = _behind_bytes(records, at)
            is_mended |= _mend(records, at, behind)
            at = _behind_bytes(records, behind)
        if at != end:
            raise ValueError("a record is not as long as it says")
        if is_mended:
            mended.append(delta)
    if at != len(records):
        raise ValueError("there is more than the batch's records")
    return mended


def _mend(records: bytearray, at: int, behind: int) -> bool:
    """Say whether the name at *at* had to be mended."""
    size, start = _varint(records, at)
    name = records[start:behind]
    if size < 0 or len(name) != size:
        raise ValueError("a header has no name")
    try:
        name.decode()
    except UnicodeDecodeError:
        readable = (byte if byte <= _ASCII_MAX else _QUESTION_MARK for byte in name)
        records[start:behind] = bytes(readable)
        return True
    return False


def _behind_bytes(records: bytearray, at: int) -> int:
    """Return what comes after bytes, or null, at *at*."""
    size, at = _varint(records, at)
    return at + max(size, 0)


def _varint(records: bytearray, at: int) -> tuple[int, int]:
    """Return the number at *at*, and what comes after it."""
    # https://protobuf.dev/programming-guides/encoding/#signed-ints
    value = shift = 0
    while (byte := records[at]) & 0x80:
        value |= (byte & 0x7F) << shift
        shift += 7
        at += 1
    value |= byte << shift
    return (value >> 1) ^ -(value & 1), at + 1
