"""How long to rest before a poll, so that a batch is worth what every batch costs."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from aiokafka import ConsumerRecord, TopicPartition

REST_PER_RECORD_S = 0.0005
"""What a record of the last cycle lets the next one wait. A cycle costs some 10 ms of three
processes whatever its size, so a steady stream is better decided in fewer, larger cycles; a single
command waits for nothing to speak of."""

REST_MAX_S = 0.020
"""The longest rest: below what one small cycle takes to be decided and published."""

RECORDS_ENOUGH = 1000
"""Of one cycle: with so many the fixed cost is no longer felt, and a backlog wants no rest."""

Poll: TypeAlias = Mapping[TopicPartition, Sequence[ConsumerRecord[Any, Any]]]
"""Records by partition, each partition's in their order."""


class Pace:
    """Says how long to rest, from what the last poll brought."""

    def __init__(self) -> None:
        self._rest_s = 0.0

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
    """Return two polls, one right after the other, as one."""
    return {tp: [*first.get(tp, ()), *then.get(tp, ())] for tp in {**first, **then}}
