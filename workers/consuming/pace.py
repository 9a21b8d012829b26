"""How long to rest before a poll, so that a batch is worth what every batch costs."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from aiokafka import ConsumerRecord, TopicPartition

from workers.clock import monotonic_s

REST_PER_RECORD_S = 0.0005
"""What a record of the last cycle lets the next one wait. A cycle costs some 10 ms of three
processes whatever its size, so a steady stream is better decided in fewer, larger cycles; a single
command waits for nothing to speak of."""

REST_MAX_S = 0.020
"""The longest rest: below what one small cycle takes to be decided and published."""

REST_WORTH_S = 0.005
"""A rest so long means a steady stream, of which one fetch behind the rest brings all. After less than
that records are fetched ahead, so that a single command does not wait for the fetch."""

RECORDS_ENOUGH = 1000
"""Of one cycle: with so many the fixed cost is no longer felt, and a backlog wants no rest."""

FETCH_WAIT_MS = 20
"""How long Kafka may hold a fetch that finds nothing, while records come; arriving ones end it at
once. But one fetch at a time is under way, and where a poll comes late it leaves out the partitions
that had records waiting: what comes to those meanwhile waits as long."""

FETCH_WAIT_QUIET_MS = 5000
"""The same while nothing comes, and so nothing waits: what comes is answered at once all the same, and
asking as often as above would keep a tenth of a core busy in an idle worker, and more in Kafka."""

QUIET_S = 1.0
"""After so long without a record nothing comes."""

Poll: TypeAlias = Mapping[TopicPartition, Sequence[ConsumerRecord[Any, Any]]]
"""Records by partition, each partition's in their order."""


class PollPace:
    """Says how long to rest, from what the last poll brought."""

    def __init__(self) -> None:
        self._rest_s = 0.0
        self._taken_at_s = monotonic_s()

    @property
    def steady(self) -> bool:
        """Whether records come so steadily that they are fetched behind the rest, and not ahead."""
        return self._rest_s >= REST_WORTH_S

    def fetch_wait_ms(self, records: Poll) -> int:
        """Return how long the next fetch may be held, after a poll that brought *records*."""
        now_s = monotonic_s()
        if records:
            self._taken_at_s = now_s
        quiet = now_s - self._taken_at_s > QUIET_S
        return FETCH_WAIT_QUIET_MS if quiet else FETCH_WAIT_MS

    def rest_s(self) -> float:
        """Return how long to wait for more before the next poll; nothing while idle."""
        return self._rest_s

    def took(self, records: Poll, most: int | None = None) -> None:
        """Note what a poll brought, of *most* that it could."""
        count = size(records)
        enough = RECORDS_ENOUGH if most is None else min(most, RECORDS_ENOUGH)
        self._rest_s = 0.0 if count >= enough else min(count * REST_PER_RECORD_S, REST_MAX_S)


def size(records: Poll) -> int:
    """Return how many records *records* holds."""
    return sum(len(batch) for batch in records.values())


def joined(first: Poll, then: Poll) -> Poll:
    """Return what two brokers brought, one after the other, as one poll."""
    return {tp: [*first.get(tp, ()), *then.get(tp, ())] for tp in {**first, **then}}
