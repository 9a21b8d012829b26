"""Records in the form in which Kafka keeps and sends them, a batch at a time.

aiokafka writes the same, header by header. Here what records share is written once, and the checksum is
taken by the processor's own instruction.
"""

# google_crc32c annotates nothing:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from collections.abc import Iterable, Sequence
from functools import lru_cache

from google_crc32c import extend, value

from client.record_format import RECORDS_FROM, Header, head_of
from handlers.wire.rendering import Common, Headers, RecordHeaders

_PLAIN = 0
"""Attributes: not compressed, the sender's time, no transaction, no control record."""

_NO_EPOCH = -1

_NOTHING = b"\x01"
"""The length of what is null: -1."""

NAMES_MAX = 256
"""Names of headers that are kept as they are written: ours are 20, the others come in dead letters."""

_SHORT_MAX = 4096
"""Numbers whose bytes are kept at hand: lengths of most values, places in most batches."""


def _checksum(checked: bytes, records: bytes) -> int:
    checksum: int = extend(value(checked), records)
    return checksum


def _varint(number: int) -> bytes:
    """Return a number from zero on, in zigzag and by groups of seven bits."""
    left, out = number << 1, bytearray()
    while left > 0x7F:  # noqa: PLR2004 - seven bits
        out.append(left & 0x7F | 0x80)
        left >>= 7
    out.append(left)
    return bytes(out)


_SHORT = tuple(map(_varint, range(_SHORT_MAX)))


def _size(number: int) -> bytes:
    return _SHORT[number] if number < _SHORT_MAX else _varint(number)


def sized(content: bytes | None) -> bytes:
    """Return *content* behind its length."""
    return _NOTHING if content is None else _size(len(content)) + content


@lru_cache(NAMES_MAX)
def _name(name: str) -> bytes:
    return sized(name.encode())


def _written(headers: Iterable[tuple[str, bytes | None]]) -> bytes:
    parts: list[bytes] = []
    for name, content in headers:
        if content is None:
            parts += (_name(name), _NOTHING)
        else:
            parts += (_name(name), _size(len(content)), content)
    return b"".join(parts)


class HeaderBlocks:
    """Writes the headers of records, one record after another; those of one outcome are neighbours."""

    __slots__ = ("_around", "_around_by_count", "_common", "_common_block")

    def __init__(self) -> None:
        self._common: Common | None = None
        self._common_block = b""
        self._around: dict[str, tuple[bytes, bytes]] = {}
        """By type: what stands before and behind a record's id, where as many are common as now."""
        self._around_by_count: dict[int, dict[str, tuple[bytes, bytes]]] = {}

    def of(self, headers: Headers) -> tuple[bytes, ...]:
        """Return, in parts, what stands in a record from the number of its headers on."""
        if not isinstance(headers, RecordHeaders):
            return _size(len(headers)), _written(headers)
        common = headers.common
        if common is not self._common:
            self._common, self._common_block = common, _written(common)
            self._around = self._around_by_count.setdefault(len(common), {})
        if (around := self._around.get(headers.type)) is None:
            around = self._around[headers.type] = _around_id(headers)
        identifier = headers.id.encode()
        return around[0], _size(len(identifier)), identifier, around[1], self._common_block


def _around_id(headers: RecordHeaders) -> tuple[bytes, bytes]:
    before, name, behind = headers.around_id()
    count = len(before) + 1 + len(behind) + len(headers.common)
    return _size(count) + _written(before) + sized(name.encode()), _written(behind)


class BuiltBatch:
    """All bytes of a batch, not yet copied into one place: `ProduceRequests` does that."""

    __slots__ = ("parts",)

    def __init__(self, parts: Sequence[bytes]) -> None:
        self.parts = parts

    def __len__(self) -> int:
        """Return how many bytes it has."""
        return sum(map(len, self.parts))

    def __bytes__(self) -> bytes:
        """Return them in one piece."""
        return b"".join(self.parts)


class RecordBatch:
    """Records of one partition; takes the place of aiokafka's `BatchBuilder` in its producer."""

    def __init__(self, *, at_ms: int, bytes_max: int) -> None:
        self._at_ms = at_ms
        """The time of all its records."""
        self._room = bytes_max - RECORDS_FROM
        self._parts: list[bytes] = []
        self._count = 0
        self._is_closed = False
        self._sender = (-1, -1, -1)
        self._built: BuiltBatch | None = None

    def append(self, key: bytes, content: bytes, headers: tuple[bytes, ...]) -> bool:
        """Add a record; return False where there is no room, as there always is for the first.

        The *key* comes behind its length, the *headers* as `HeaderBlocks` wrote them.
        """
        count = self._count
        record = b"".join(
            (
                b"\0\0",  # attributes, and milliseconds behind the first one's time
                _SHORT[count] if count < _SHORT_MAX else _varint(count),
                key,
                _size(len(content)),
                content,
                *headers,
            )
        )
        size = _size(len(record))
        self._room -= len(size) + len(record)
        if self._room < 0 and count:
            self._is_closed = True
            return False
        self._parts += (size, record)
        self._count = count + 1
        return True

    def record_count(self) -> int:
        """Return how many records there are."""
        return self._count

    def close(self) -> None:
        """Take no more."""
        self._is_closed = True

    def closed(self) -> bool:
        """Say whether it takes no more."""
        return self._is_closed

    def _set_producer_state(
        self, producer_id: int, producer_epoch: int, base_sequence: int
    ) -> None:
        """Say who sends it, and as which: the broker knows a repeat by that."""
        self._sender = producer_id, producer_epoch, base_sequence

    def _build(self) -> BuiltBatch:
        return self.built()

    def built(self) -> BuiltBatch:
        """Return the whole batch, the same at each attempt to send it."""
        if self._built is None:
            self._is_closed = True
            records = b"".join(self._parts)
            self._parts = []
            at_ms, count = self._at_ms, self._count
            header = Header(0, _NO_EPOCH, _PLAIN, count - 1, at_ms, at_ms, *self._sender, count)
            self._built = BuiltBatch((head_of(header, records, checksum=_checksum), records))
        return self._built
