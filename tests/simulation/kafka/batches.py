"""Record batches as a broker keeps them: the sender's bytes, under its own offset and time."""

# aiokafka annotates only a part of its interface:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

import struct
from collections.abc import Sequence
from typing import NamedTuple

from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.util import calc_crc32c

from client.record_format import CHECKED_FROM, CONTROL

TRANSACTIONAL = 0b10000
"""The bit of a batch that is read only once its transaction has ended well."""

APPEND_TIME = 0b1000
"""The bit of a batch whose time is the broker's."""

_ATTRIBUTES_AT = 22
_CHECKSUM_AT = 17
_LAST_MS_AT = 35
_OFFSET = struct.Struct(">q")
_CHECKSUM = struct.Struct(">I")
_MARKER = struct.Struct(">hh")
_MARKED = struct.Struct(">hi")
_BATCH_BYTES_MAX = 16 * 1024 * 1024


class Sent(NamedTuple):
    """One record as a sender has it."""

    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]] = ()


def packed(records: Sequence[Sent], *, time_ms: int, producer_id: int = -1) -> bytes:
    """Return *records* as one batch, of a transaction where a *producer_id* is given."""
    in_transaction = producer_id >= 0
    builder = DefaultRecordBatchBuilder(
        2,
        0,
        is_transactional=int(in_transaction),
        producer_id=producer_id,
        producer_epoch=0 if in_transaction else -1,
        base_sequence=-1,
        batch_size=_BATCH_BYTES_MAX,
    )
    for number, (key, value, headers) in enumerate(records):
        builder.append(number, time_ms, key=key, value=value, headers=list(headers))
    return bytes(builder.build())


def marker(producer_id: int, *, committed: bool, time_ms: int) -> bytes:
    """Return what the broker writes at the end of a transaction."""
    key, value = _MARKER.pack(0, int(committed)), _MARKED.pack(0, 0)
    batch = bytearray(packed([Sent(key, value)], time_ms=time_ms, producer_id=producer_id))
    batch[_ATTRIBUTES_AT] |= CONTROL
    return _checked(batch)


def kept(batch: bytes, *, base: int, append_ms: int | None) -> bytes:
    """Return *batch* from offset *base* on, and with the broker's time if there is one."""
    data = bytearray(batch)
    _OFFSET.pack_into(data, 0, base)
    if append_ms is None:
        return bytes(data)
    data[_ATTRIBUTES_AT] |= APPEND_TIME
    _OFFSET.pack_into(data, _LAST_MS_AT, append_ms)
    return _checked(data)


def damaged(batches: bytes) -> bytes:
    """Return *batches* as they come if a bit of the first one is lost on its way."""
    data = bytearray(batches)
    data[_CHECKSUM_AT] ^= 1
    return bytes(data)


def _checked(data: bytearray) -> bytes:
    _CHECKSUM.pack_into(data, _CHECKSUM_AT, calc_crc32c(bytes(data[CHECKED_FROM:])))
    return bytes(data)
