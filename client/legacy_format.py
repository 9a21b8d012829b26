"""Messages of the formats 0 and 1, which Kafka wrote before 0.11, as far as they are compressed."""

# https://kafka.apache.org/documentation/#messageset

import struct
from typing import Final
from zlib import crc32

LEGACY_UNPACKED_BYTES_MAX = 1024 * 1024
"""Of one compressed message. aiokafka unpacks it itself, once more, and keeps several objects for
each record in it, many times its size. No broker stores such messages any more unless told to."""

_CODEC_AT: Final = 17
_CODECS: Final = 0b111
_CHECKSUM_AT: Final = 12
_CHECKED_FROM: Final = 16
_KEY_AT: Final = (18, 26)
"""By format: the second has a timestamp before it."""
_INT32 = struct.Struct(">i")


def legacy_codec(message: bytes) -> int:
    """Return Kafka's number of the codec; 0 where nothing is compressed."""
    return message[_CODEC_AT] & _CODECS


def is_whole_message(message: bytes) -> bool:
    """Return whether the checksum of *message* is right."""
    [checksum] = struct.unpack_from(">I", message, _CHECKSUM_AT)
    return checksum == crc32(message[_CHECKED_FROM:])


def packed_messages(message: bytes, magic: int) -> bytes:
    """Return the value of *message*, which holds others, compressed.

    Raises:
        struct.error: It has none.
    """
    at = _KEY_AT[magic]
    [key_size] = _INT32.unpack_from(message, at)
    at += _INT32.size + max(key_size, 0)
    [size] = _INT32.unpack_from(message, at)
    at += _INT32.size
    return message[at : at + max(size, 0)]
