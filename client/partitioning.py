"""Which partition a key belongs to: as the Java client's default partitioner has it."""

# aiokafka annotates only a part of its interface:
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from functools import lru_cache

from aiokafka.partitioner import murmur2

KEYS_CACHED_MAX = 32_768
"""Hashes of keys kept, 5 MB: murmur2 in Python costs 5 µs, a look-up a tenth of that at most."""


@lru_cache(maxsize=KEYS_CACHED_MAX)
def hash_of(key: bytes) -> int:
    """Return Kafka's own hash of *key*; its partition is the remainder by how many there are."""
    return int(murmur2(key)) & 0x7FFFFFFF
