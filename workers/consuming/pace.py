"""How long Kafka gathers records for a fetch, so that a batch is worth what every batch costs."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from aiokafka import ConsumerRecord, TopicPartition

from workers.clock import monotonic_s

RECORDS_STEADY = 10
"""Of one batch: with fewer nobody waits for more, as with a single command."""

RECORDS_ENOUGH = 1000
"""Of one batch: with so many the fixed cost is no longer felt, and a backlog waits for nothing."""

WAIT_PER_BUSY = 4.0
"""How long the next batch may gather at most, in times that the last one took: its fixed cost, some
10 ms of three processes on a free machine and many times that on a busy one, is then spent in a
quarter of the time at most."""

WAIT_PER_RECORD = 0.05
"""The same for each record of the last batch: the more come, the more is saved by waiting."""

WAIT_MAX_S = 0.100
"""Longest wait, whatever a batch takes: it is part of every latency under load."""

GATHERED_BYTES = 512 * 1024
"""What Kafka hands out before the wait is over: more than a thousand commands, half of a fetch."""

FETCH_WAIT_MS = 20
"""How long Kafka may hold a fetch that finds nothing, while records come but seldom; arriving ones
end it at once. But one fetch at a time is under way, and where a poll comes late it leaves out the
partitions that had records waiting: what comes to those meanwhile waits as long."""

FETCH_WAIT_QUIET_MS = 1000
"""The same while nothing comes, and so nothing waits: what comes is answered at once all the same, and
asking as often as above would keep a tenth of a core busy in an idle worker, and more in Kafka. Not
longer, because Kafka answers what else is asked on the connection, such as where a newly assigned
partition begins, after that."""

QUIET_S = 1.0
"""After so long without a record nothing comes."""

Poll: TypeAlias = Mapping[TopicPartition, Sequence[ConsumerRecord[Any, Any]]]
"""Records by partition, each partition's in their order."""


class Fetch(NamedTuple):
    """When Kafka answers a fetch: with so much, or after so long."""

    bytes_min: int
    wait_ms: int


class Pace:
    """Says what the next fetch waits for, from what the last batches brought and took."""

    def __init__(self) -> None:
        self._taken_at_s = monotonic_s()
        """When the last batch was handed out."""
        self._in_hand = False
        self._busy_s = 0.0
        """What a batch took of late, from its poll to the next."""

    def polls(self) -> None:
        """Note that the last batch is done with, so far that more can be taken."""
        if self._in_hand:
            self._in_hand = False
            self._busy_s = (self._busy_s + monotonic_s() - self._taken_at_s) / 2

    def took(self, records: Poll, most: int | None = None) -> Fetch:
        """Return what the next fetch waits for, after a poll that brought *records*, of *most*."""
        now_s = monotonic_s()
        count = size(records)
        if not count:
            quiet = now_s - self._taken_at_s > QUIET_S
            return Fetch(1, FETCH_WAIT_QUIET_MS if quiet else FETCH_WAIT_MS)
        self._in_hand = True
        self._taken_at_s = now_s
        enough = RECORDS_ENOUGH if most is None else min(most, RECORDS_ENOUGH)
        if not RECORDS_STEADY <= count < enough:
            return Fetch(1, FETCH_WAIT_MS)
        share = min(WAIT_PER_RECORD * count, WAIT_PER_BUSY)
        wait_s = min(share * self._busy_s, WAIT_MAX_S)
        return Fetch(GATHERED_BYTES, max(1, round(wait_s * 1000)))


def size(records: Poll) -> int:
    """Return how many records *records* holds."""
    return sum(len(batch) for batch in records.values())
