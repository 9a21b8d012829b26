"""Unpacks what was compressed, up to a bound: a few kilobytes may stand for gigabytes."""

import mmap
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import cramjam

_GZIP_WINDOW: Final = zlib.MAX_WBITS | 16
"""`zlib`'s way to say that a gzip header comes first."""

_BLOCKS_HEADER: Final = b"\x82SNAPPY\x00"
"""What the Java library starts with; two version numbers follow, then blocks, each after its size."""
_BLOCKS_AT: Final = len(_BLOCKS_HEADER) + 8
_SIZE_BYTES: Final = 4

_SNAPPY: Any = cramjam.snappy
_LZ4: Any = cramjam.lz4
_ZSTD: Any = cramjam.zstd


class UnpackError(Exception):
    """This cannot be unpacked, or is more than allowed. Says which, as far as that can be told."""


class SpentError(Exception):
    """What is left of the budget was not enough: try it again with a whole one."""


@dataclass(slots=True)
class Budget:
    """How many bytes may still be unpacked."""

    left: int

    def unpacked(self, codec: int, packed: bytes, *, bytes_max: int) -> bytes:
        """Return what *packed* holds, *bytes_max* at most. What fails costs all it might have.

        Raises:
            UnpackError: It cannot be unpacked, or is more than *bytes_max*.
            SpentError: It did not get as far as that.
        """
        most = min(self.left, bytes_max)
        try:
            data = unpacked(codec, packed, bytes_max=most)
        except UnpackError as error:
            self.left -= most
            if most < bytes_max:
                raise SpentError from error
            raise
        self.left -= len(data)
        return data


def unpacked(codec: int, packed: bytes, *, bytes_max: int) -> bytes:
    """Return what *packed* holds; no more than *bytes_max* is written anywhere.

    *codec* is Kafka's number of it, as batches name it.

    Raises:
        UnpackError: It is more, or damaged, or the codec is unknown.
    """
    try:
        match codec:
            case 1:
                return _gzip(packed, bytes_max)
            case 2:
                return _snappy(packed, bytes_max)
            case 3:
                return _into(_LZ4.decompress_into, packed, bytes_max)
            case 4:
                return _into(_ZSTD.decompress_into, packed, bytes_max)
            case _:
                raise UnpackError(f"its codec, {codec}, is unknown")
    except (cramjam.DecompressionError, zlib.error) as error:
        raise UnpackError(
            f"it is compressed, and damaged or more than {bytes_max} bytes unpacked: {error}"
        ) from error


def _gzip(packed: bytes, bytes_max: int) -> bytes:
    """Unpack every member: there may be several, one after the other (RFC 1952 §2.2)."""
    parts: list[bytes] = []
    while packed:
        left = bytes_max - sum(map(len, parts))
        member = zlib.decompressobj(_GZIP_WINDOW)
        # A limit of 0 means none to `zlib`. One byte more tells a full buffer from too small a one.
        parts.append(member.decompress(packed, left + 1))
        if len(parts[-1]) > left:
            raise _too_much(bytes_max)
        if not member.eof:
            raise UnpackError("it is compressed, and cut off")
        packed = member.unused_data
    return b"".join(parts)


def _snappy(packed: bytes, bytes_max: int) -> bytes:
    """Unpack one block, or as many as there are; each says first how long it is unpacked."""
    if not packed.startswith(_BLOCKS_HEADER):
        return _snappy_block(packed, bytes_max, bytes_max)
    parts: list[bytes] = []
    at, left = _BLOCKS_AT, bytes_max
    while at < len(packed):
        start = at + _SIZE_BYTES
        at = start + int.from_bytes(packed[at:start], "big")
        if at > len(packed):
            raise UnpackError("it is compressed, and cut off")
        parts.append(_snappy_block(packed[start:at], left, bytes_max))
        left -= len(parts[-1])
    return b"".join(parts)


def _snappy_block(block: bytes, left: int, bytes_max: int) -> bytes:
    if _SNAPPY.decompress_raw_len(block) > left:
        raise _too_much(bytes_max)
    return bytes(_SNAPPY.decompress_raw(block))


def _into(decompress_into: Callable[[bytes, mmap.mmap], int], packed: bytes, most: int) -> bytes:
    """Unpack into a buffer of *most* bytes: what does not fit fails as it is written.

    Memory is only taken for as much of the buffer as is written.
    """
    with mmap.mmap(-1, max(most, 1)) as buffer:
        return buffer[: decompress_into(packed, buffer)]


def _too_much(bytes_max: int) -> UnpackError:
    return UnpackError(f"it is more than {bytes_max} bytes unpacked")
