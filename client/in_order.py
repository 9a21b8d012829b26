"""Puts each account's balance events in order where they come from several partitions."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from client.errors import SequenceGapError
from client.received import Received
from client.sequences import Sequences
from contracts.entries import Entry

HELD_MAX = 10_000
"""Events that wait for earlier ones, together: some 20 MB. More of them say that one is missing."""

Ends = Mapping[TopicPartition, int]


class ReadProgress(Protocol):
    """What is needed of `client.reader.Reader`."""

    async def ends_now(self) -> Ends:
        """Return how far each partition reaches now."""
        ...

    async def has_passed(self, ends: Ends) -> bool:
        """Return whether all before *ends* was read."""
        ...


@dataclass(slots=True)
class _Gap:
    """What one account misses."""

    error: SequenceGapError
    held: dict[int, Received[Entry]] = field(default_factory=dict[int, Received[Entry]])
    """What came too early, by sequence."""
    ends: Ends | None = None
    """Where the partitions ended once it showed: what is not there before them is missing."""


class InOrder:
    """Holds back what comes before an earlier event of its account.

    Once partitions were added, a user's events stand in two of them, and nothing says which is
    read first.
    """

    def __init__(self, reader: ReadProgress, sequences: Sequences) -> None:
        self._reader = reader
        self._sequences = sequences
        self._gaps: dict[str, _Gap] = {}
        self._held = 0

    def take(self, event: Received[Entry]) -> Iterator[Received[Entry]]:
        """Yield what is due with *event*: nothing, or it and those that waited for it.

        Raises:
            SequenceGapError: Too many wait.
        """
        username, sequence = event.message.username, event.message.sequence
        try:
            if not self._sequences.is_new(username, sequence):
                return
        except SequenceGapError as error:
            self._gaps.setdefault(username, _Gap(error)).held[sequence] = event
            self._held += 1
            if self._held > HELD_MAX:
                raise
            return
        yield event
        if (gap := self._gaps.pop(username, None)) is None:
            return
        self._held -= len(gap.held)
        for number in sorted(gap.held):
            # Those that still wait are a gap of their own; what was repeated meanwhile is dropped.
            yield from self.take(gap.held[number])

    async def settle(self) -> None:
        """Look, between two polls, whether what is waited for can still come.

        Raises:
            SequenceGapError: It cannot.
            TopicReplacedError: The topic is another one by now.
        """
        if not self._gaps:
            return
        fresh = [gap for gap in self._gaps.values() if gap.ends is None]
        try:
            ends = await self._reader.ends_now() if fresh else None
        except KafkaError:
            return  # Kafka is away: it is asked again after the next poll.
        for gap in fresh:
            gap.ends = ends
        for gap in self._gaps.values():
            if gap.ends is not None and await self._reader.has_passed(gap.ends):
                raise gap.error
