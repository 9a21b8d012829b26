"""Record batches written byte by byte, as no client library would."""

import struct
import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import cramjam
from aiokafka.record import MemoryRecords
from aiokafka.record.util import calc_crc32c, encode_varint

from client.record_format import CHECKED_FROM, Header, batch_of
from workers.kafka.record_batches import RecordBatch

PLAIN, GZIP, SNAPPY, LZ4, ZSTD = range(5)
"""Kafka's numbers of the codecs, in a batch's attributes."""
CODECS = {"gzip": GZIP, "snappy": SNAPPY, "snappy in blocks": SNAPPY, "lz4": LZ4, "zstd": ZSTD}

CHUNK = bytes(1024 * 1024)
_CRC_AT, _ATTRIBUTES_AT = 17, 21
_cramjam: Any = cramjam


def zeros(size: int) -> Iterator[bytes]:
    for at in range(0, size, len(CHUNK)):
        yield CHUNK[: size - at]


def packed(codec: str, parts: Iterable[bytes]) -> bytes:
    """Return *parts* compressed, without holding them all."""
    match codec:
        case "gzip":
            gzip = zlib.compressobj(wbits=31)
            return b"".join([*map(gzip.compress, parts), gzip.flush()])
        case "snappy":
            return bytes(_cramjam.snappy.compress_raw(b"".join(parts)))
        case "snappy in blocks":
            blocks = [bytes(_cramjam.snappy.compress_raw(part)) for part in parts]
            sized = b"".join(len(block).to_bytes(4, "big") + block for block in blocks)
            return b"\x82SNAPPY\x00" + struct.pack(">ii", 1, 1) + sized
        case _:
            # Brokers take no LZ4 whose blocks refer to one another.
            options = {"block_linked": False} if codec == "lz4" else {}
            compressor = getattr(_cramjam, codec).Compressor(**options)
            for part in parts:
                compressor.compress(part)
            return bytes(compressor.finish())


def varint(value: int) -> bytes:
    out = bytearray()
    encode_varint(value, out.append)
    return bytes(out)


def a_record(
    value: bytes, *, delta: int = 0, headers: Sequence[tuple[bytes, bytes]] = (), key: bytes = b"x"
) -> bytes:
    named = b"".join(varint(len(name)) + name + varint(len(said)) + said for name, said in headers)
    body = b"\x00\x00" + varint(delta) + varint(len(key)) + key
    body += varint(len(value)) + value + varint(len(headers)) + named
    return varint(len(body)) + body


def a_record_of_zeros(size: int) -> Iterator[bytes]:
    """Yield a record whose value is *size* zeros, piece by piece."""
    body = b"\x00\x00\x00" + varint(1) + b"x" + varint(size)
    yield varint(len(body) + size + 1) + body
    yield from zeros(size)
    yield b"\x00"  # no headers


def a_batch(records: bytes, *, codec: int = PLAIN, count: int = 1, base: int = 0) -> bytes:
    """Return a batch of *records*, which are compressed already where *codec* says so."""
    batch = bytearray(batch_of(Header(base, -1, 0, count - 1, 1, 1, -1, -1, -1, count), records))
    struct.pack_into(">h", batch, _ATTRIBUTES_AT, codec)
    struct.pack_into(">I", batch, _CRC_AT, calc_crc32c(bytes(batch[CHECKED_FROM:])))
    return bytes(batch)


def a_bomb(size: int, *, codec: str = "zstd", base: int = 0) -> bytes:
    """Return a batch with one record, whose value is *size* zeros."""
    return a_batch(packed(codec, a_record_of_zeros(size)), codec=CODECS[codec], base=base)


def a_legacy_message(value: bytes, *, codec: int = PLAIN, magic: int = 1, offset: int = 0) -> bytes:
    """Return a message of format 0 or 1; compressed, *value* holds others."""
    body = struct.pack(">bb", magic, codec) + (struct.pack(">q", 1) if magic else b"")
    body += struct.pack(">i", -1) + struct.pack(">i", len(value)) + value
    return struct.pack(">qiI", offset, len(body) + 4, zlib.crc32(body)) + body


def records_of(batch: RecordBatch) -> list[Any]:
    """Return the records of a batch that a producer was handed, as a consumer reads them."""
    read: Any = MemoryRecords(bytes(batch.built()))
    found = read.next_batch()
    assert found.validate_crc()
    return list(found)
