"""What a broker hands out, made readable: unpacked within bounds, and marked what cannot be read."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from aiokafka.errors import KafkaError
from aiokafka.record.default_records import DefaultRecordBatch
from aiokafka.record.legacy_records import LegacyRecordBatch

from client.legacy_format import (
    LEGACY_UNPACKED_BYTES_MAX,
    is_whole_message,
    legacy_codec,
    packed_messages,
)
from client.record_format import (
    CODECS,
    CONTROL,
    FORMAT,
    LENGTH_FROM,
    RECORDS_FROM,
    Header,
    batch_of,
    batch_of_nothing,
    header_of,
    is_whole,
    mend_names,
)
from client.unpacking import Budget, SpentError, UnpackError

UNPACKED_BYTES_MAX = 16 * 1024 * 1024
"""Of one batch, and of all that one fetch brings. A batch has 1 MiB on our topics, and commands in
JSON pack to a tenth at best; unpacked it is held twice for a moment."""

_LENGTH_MIN: Final = 14
"""Bytes: the smallest message of the oldest format, as it counts itself."""
_MAGIC_AT: Final = 16
_CODEC_AT: Final = 22
_NOBODY: Final = Header(0, -1, 0, 0, -1, -1, -1, -1, -1, 1)
_INT32 = struct.Struct(">i")
_INT64 = struct.Struct(">q")


@dataclass(frozen=True, slots=True)
class Mark:
    """Why the record at `last` must not be taken as it stands."""

    first: int
    last: int
    """Offsets."""
    reason: str
    whole: bool = True
    """A batch, of which nothing can be read; else a record that is there."""
    ends: bool = True
    """Whether it is certain that reading can go on behind `last`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What one fetch brought of a partition."""

    data: bytes
    """Batches, one after the other; the last one may be cut off."""
    position: int
    """The offset that was asked for; the first batch may begin before it."""
    end: int
    """Of the log."""


@dataclass(slots=True)
class Readable:
    """Batches that aiokafka can read without unpacking anything that has no bound."""

    data: bytes = b""
    marks: dict[int, Mark] = field(default_factory=dict[int, Mark])
    """By offset."""


def is_packed(data: bytes) -> bool:
    """Return whether any batch of *data* is compressed."""
    for start, _ in _bounds(data):
        if data[start + _MAGIC_AT] < FORMAT:
            if legacy_codec(data[start : start + _CODEC_AT]):
                return True
        elif data[start + _CODEC_AT] & CODECS:
            return True
    return False


def readable(fetched: Fetched, budget: Budget, *, closely: bool) -> Readable:
    """Return what was *fetched* as far as *budget* goes: the next fetch begins behind it.

    *closely* reads every record once, so that whatever aiokafka would fail on is marked.
    """
    found, data = Readable(), fetched.data
    parts: list[bytes] = []
    end = 0
    try:
        for start, end in _bounds(data):
            batch = _Batch(data[start:end], fetched, end, found.marks)
            parts.append(batch.readable(budget, closely=closely))
        tail = data[end:]
        if closely and len(tail) >= LENGTH_FROM and _length(tail, 0) < _LENGTH_MIN:
            tail = _Batch(tail, fetched, len(data), found.marks).lost("its length is impossible")
        parts.append(tail)
    except SpentError:
        pass
    found.data = b"".join(parts)
    return found


def _bounds(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield where each complete batch begins and ends."""
    start = 0
    while len(data) - start >= LENGTH_FROM:
        length = _length(data, start)
        end = start + LENGTH_FROM + length
        if length < _LENGTH_MIN or end > len(data):
            return
        yield start, end
        start = end


def _length(data: bytes, start: int) -> int:
    [length] = _INT32.unpack_from(data, start + _INT64.size)
    return int(length)


@dataclass(slots=True)
class _Batch:
    data: bytes
    fetched: Fetched
    end: int
    """Where it ends in what was fetched."""
    marks: dict[int, Mark]

    def readable(self, budget: Budget, *, closely: bool) -> bytes:
        magic = self.data[_MAGIC_AT]
        if magic < FORMAT:
            return self._legacy(magic, budget, closely=closely)
        if magic > FORMAT or len(self.data) < RECORDS_FROM:
            return self.lost("its format is unknown") if closely else self.data
        header = header_of(self.data)
        codec = header.attributes & CODECS
        if not (codec or closely):
            return self.data
        if not is_whole(self.data):
            # Only a second look tells that it was not damaged on its way.
            return self._damaged(header) if closely else self.data
        if header.attributes & CONTROL:
            return self.data  # the broker wrote it
        plain = self.data
        if codec:
            try:
                records = budget.unpacked(
                    codec, self.data[RECORDS_FROM:], bytes_max=UNPACKED_BYTES_MAX
                )
            except UnpackError as error:
                return self._unreadable(header, str(error))
            plain = batch_of(header, records)
        return self._read_through(header, plain) if closely else plain

    def lost(self, reason: str) -> bytes:
        """Mark that nobody knows where to read on."""
        if self.end > len(self.data):
            raise SpentError  # the next fetch begins with it, so that its offset is known
        first = self.fetched.position
        self.marks[first] = Mark(
            first, first, f"{reason}, and where it ends is not certain", ends=False
        )
        return batch_of_nothing(_NOBODY._replace(base=first))

    def _read_through(self, header: Header, plain: bytes) -> bytes:
        if _can_be_read(DefaultRecordBatch(plain)):
            return plain
        records = bytearray(plain[RECORDS_FROM:])
        try:
            mended = mend_names(records, header.record_count)
        except (IndexError, ValueError):
            return self._unreadable(header, "its records are malformed")
        plain = batch_of(header, bytes(records))
        if not _can_be_read(DefaultRecordBatch(plain)):
            return self._unreadable(header, "its records are malformed")
        for delta in mended:
            offset = header.base + delta
            self.marks[offset] = Mark(offset, offset, "a header's name is not UTF-8", whole=False)
        return plain

    def _damaged(self, header: Header) -> bytes:
        """Mark a batch whose checksum is wrong: so may be what it says of itself."""
        following = self.fetched.end
        if len(self.fetched.data) - self.end >= _INT64.size:
            [following] = _INT64.unpack_from(self.fetched.data, self.end)
        reason = "its checksum is wrong"
        if header.last + 1 != following:
            return self.lost(reason)
        believed = _NOBODY._replace(base=header.base, last_delta=header.last_delta)
        return self._unreadable(believed, reason)

    def _unreadable(self, header: Header, reason: str) -> bytes:
        first = max(header.base, self.fetched.position)
        self.marks[header.last] = Mark(first, header.last, reason)
        return batch_of_nothing(header)

    def _legacy(self, magic: int, budget: Budget, *, closely: bool) -> bytes:
        """Let aiokafka unpack it, once it is known how much it is."""
        if not is_whole_message(self.data):
            return self.lost("its checksum is wrong") if closely else self.data
        reason = None
        if codec := legacy_codec(self.data):
            try:
                packed = packed_messages(self.data, magic)
                budget.unpacked(codec, packed, bytes_max=LEGACY_UNPACKED_BYTES_MAX)
            except (UnpackError, struct.error) as error:
                reason = str(error)
        if closely and not reason and not _can_be_read(LegacyRecordBatch(self.data, magic)):
            reason = "its records are malformed"
        if not reason:
            return self.data
        [last] = _INT64.unpack_from(self.data)
        self.marks[last] = Mark(self.fetched.position, last, reason)
        return batch_of_nothing(_NOBODY._replace(base=last))


def _can_be_read(batch: Any) -> bool:
    try:
        for _ in batch:
            pass
    except (KafkaError, ArithmeticError, AssertionError, LookupError, ValueError, struct.error):
        return False
    return True
