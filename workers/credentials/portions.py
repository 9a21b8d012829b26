"""How many registrations are dealt with at once: few where passwords are to be hashed."""

from collections.abc import Sequence

from aiokafka import TopicPartition

from workers.consuming.records import Raw
from workers.credentials.records import needs_hashing

BATCH_HASHES_MAX = 4
"""Passwords taken at once, per hashing thread: about a second's work, so that a rebalance or a stop
need not wait longer."""

BATCH_RECORDS_MAX = 400
"""Records taken at once; most of them need no hashing when accounts move in. A quarter of a second's work."""


def portion(records: Sequence[Raw], *, threads: int) -> tuple[Sequence[Raw], Sequence[Raw]]:
    """Return what of *records* to deal with now, and what to read again behind it.

    Of passwords that are to be hashed as many as `BATCH_HASHES_MAX` says, and nothing behind them in
    their partition.
    """
    now: list[Raw] = []
    later: list[Raw] = []
    full: set[TopicPartition] = set()
    left = BATCH_HASHES_MAX * threads
    for record in records:
        partition = TopicPartition(record.topic, record.partition)
        if partition not in full and needs_hashing(record):
            left -= 1
            if left < 0:
                full.add(partition)
        (later if partition in full else now).append(record)
    return now, later
