"""How far every input was read, and how far it may be committed."""

import asyncio
import logging
from collections.abc import Collection, Mapping, Sequence

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from msgspec.structs import replace

from handlers.ledger.finality import Ends, PartitionPosition, Place, ReadPositions
from handlers.model.outcome import Source
from workers.consuming.consumer import CursorConsumer
from workers.ledger.end_offsets import EndOffsets
from workers.ledger.intake import Taken

logger = logging.getLogger(__name__)


class Positions:
    """What was read into this cycle or an earlier one; never what was only fetched."""

    def __init__(
        self, topics: Sequence[str], end_offsets: EndOffsets, *, clock_skew_ms: int
    ) -> None:
        self._end_offsets = end_offsets
        self._topics = topics
        self._clock_skew_ms = clock_skew_ms
        self.ours: dict[Place, PartitionPosition] = {}
        self._others: dict[Place, int] = {}
        self._committed: dict[TopicPartition, int] = {}
        self._asked: dict[int, Ends] = {}
        self._asking = asyncio.Lock()

    def forget(self) -> None:
        """Start over: reading restarts at the committed offsets."""
        self.ours.clear()
        self._others.clear()
        self._committed.clear()

    def take_in(self, taken: Taken, undecodable: Collection[TopicPartition]) -> None:
        """Take in that *taken* is part of the cycle."""
        for record in taken.records:
            self.ours[record.topic, record.partition] = PartitionPosition(
                cursor=record.offset + 1, last_timestamp_ms=record.timestamp
            )
        self._follow(taken.cursors, undecodable)

    def _follow(
        self, cursors: Mapping[TopicPartition, int], undecodable: Collection[TopicPartition]
    ) -> None:
        """Take in *cursors*, which control records move too."""
        for tp, cursor in cursors.items():
            place = (tp.topic, tp.partition)
            known = self.ours.get(place)
            unread = tp in undecodable
            if known is None:
                self.ours[place] = PartitionPosition(cursor=cursor, undecodable=unread)
            elif known.cursor != cursor or known.undecodable != unread:
                self.ours[place] = replace(known, cursor=cursor, undecodable=unread)

    def reading(self, kept: Mapping[Source, Ends]) -> ReadPositions:
        """Return what the core decides the finality of refusals by."""
        return ReadPositions(
            topics=self._topics,
            clock_skew_ms=self._clock_skew_ms,
            ours=self.ours,
            committed=self._others,
            kept=kept,
            asked=self._asked,
        )

    def begin_cycle(self) -> None:
        """Forget the end offsets asked for: they say nothing of what is read from now on."""
        self._asked = {}

    async def fetch_end_offsets(
        self, consumer: CursorConsumer, numbers: Collection[int], *, timeout_ms: int
    ) -> None:
        """Ask once in a cycle how far all topics reach in these partition numbers."""
        async with self._asking:
            missing = [number for number in numbers if number not in self._asked]
            if not missing:
                return
            places = [TopicPartition(topic, number) for topic in self._topics for number in missing]
            try:
                async with asyncio.timeout(timeout_ms / 1000):
                    ends = await self._end_offsets.ask(places)
                    for tp in places:
                        if tp not in consumer.cursors:
                            committed = await consumer.committed_or_zero(tp)
                            self._others[tp.topic, tp.partition] = committed
                    await consumer.settle_cursors(places)
            except (KafkaError, TimeoutError) as error:
                logger.warning("end offsets did not come, refusals wait: %s", error)
                return
        self._follow(consumer.cursors, consumer.undecodable)
        for number in missing:
            self._asked[number] = {tp.topic: ends[tp] for tp in places if tp.partition == number}

    def committable(
        self, cursors: Mapping[TopicPartition, int], waiting: Mapping[Place, int]
    ) -> dict[TopicPartition, int]:
        """Return the offsets up to which all is answered, where they have moved.

        *cursors* are where reading stands, *waiting* has the first offset of each partition that is not answered yet.
        """
        offsets: dict[TopicPartition, int] = {}
        for tp, cursor in cursors.items():
            offset = waiting.get((tp.topic, tp.partition), cursor)
            if self._committed.get(tp) != offset:
                offsets[tp] = offset
        return offsets

    def committed(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Take in that *offsets* are committed."""
        self._committed.update(offsets)
