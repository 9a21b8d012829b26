"""Notices that nothing comes although it should, whatever the reason: a live process that does nothing."""

import asyncio
import logging
from collections.abc import Collection, Mapping
from typing import Protocol

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from workers.clock import monotonic_s
from workers.consuming.retention import Asked, answers

LOOK_S = 5.0
"""Between two looks: as long as Kafka holds a fetch that finds nothing, so that most looks see an answer."""

SUSPECT_LOOKS = 3
"""Looks without anything new after which Kafka is asked what there is; until then nothing is."""

STANDSTILL_LOOKS = 12
"""Looks, a minute, after which what Kafka has will never come: aiokafka gives up a fetch after 40 s."""

ANSWER_S = 2.0
"""How long Kafka may take to say what there is. If it takes longer, it is Kafka that does not get on."""

logger = logging.getLogger(__name__)


class Reading(Asked, Protocol):
    """What is needed of `workers.consuming.consumer.CursorConsumer`."""

    cursors: dict[TopicPartition, int]

    @property
    def joins(self) -> bool:
        """Whether it waits to be given partitions, or none."""
        ...

    @property
    def join_max_s(self) -> float:
        """How long that may take."""
        ...

    def unread(self) -> Collection[TopicPartition]:
        """Return the partitions of which something was fetched and not taken."""
        ...

    def asked_for(self) -> Collection[TopicPartition]:
        """Return the partitions that are read and not paused."""
        ...

    def last_poll_timestamp(self, partition: TopicPartition) -> int | None:
        """Return when a fetch of *partition* was answered last."""
        ...

    async def end_offsets(
        self, partitions: Collection[TopicPartition]
    ) -> Mapping[TopicPartition, int]:
        """Return the ends of what may be read of *partitions*."""
        ...


class ReadingWatch:
    """Looks between polls. Only looks count, so neither does a time in which nobody polled.

    What aiokafka or we foresaw never comes here. It is what is left: a fetch that is not sent, for
    whatever reason, is no error, and polls find nothing.
    """

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._due_s = monotonic_s()
        self._seen: dict[TopicPartition, tuple[int | None, int]] = {}
        """When each partition was answered last, and the cursor."""
        self._looks: dict[TopicPartition, int] = {}
        """How often that was still so."""
        self._joining = 0
        """Looks that saw it outside of its group."""

    async def look(self) -> str | None:
        """Return why nothing comes any more, if so; look every few seconds, however often it is called."""
        now_s = monotonic_s()
        if now_s < self._due_s or self._reading.unread():
            return None
        self._due_s = now_s + LOOK_S
        if self._reading.joins:
            self._looks.clear()
            return await self._outside()
        self._joining = 0
        self._count()
        suspects = [tp for tp, looks in self._looks.items() if looks >= SUSPECT_LOOKS]
        if suspects:
            await self._ask(suspects)
        for tp, looks in self._looks.items():
            if looks >= STANDSTILL_LOOKS:
                return f"Kafka has records of {tp.topic}-{tp.partition} that are not fetched"
        return None

    async def _outside(self) -> str | None:
        """Return that the group takes us in no more, where it is not Kafka that is away."""
        self._joining += 1
        if self._joining * LOOK_S < self._reading.join_max_s:
            return None
        self._joining = 0
        if not await answers(self._reading, timeout_ms=round(ANSWER_S * 1000)):
            return None
        return f"no place in its group within {self._reading.join_max_s:.0f} s"

    def _count(self) -> None:
        seen = {
            tp: (self._reading.last_poll_timestamp(tp), self._reading.cursors[tp])
            for tp in self._reading.asked_for()
        }
        self._looks = {
            tp: self._looks.get(tp, 0) + 1
            for tp, last in seen.items()
            if self._seen.get(tp) == last
        }
        self._seen = seen

    async def _ask(self, suspects: Collection[TopicPartition]) -> None:
        """Count only those of *suspects* on that Kafka has more of."""
        ends: Mapping[TopicPartition, int] = {}
        try:
            async with asyncio.timeout(ANSWER_S):
                ends = await self._reading.end_offsets(suspects)
        except (KafkaError, TimeoutError):
            pass  # nobody knows: what there is will be asked for from the beginning
        for tp in suspects:
            if ends.get(tp, 0) <= self._reading.cursors.get(tp, 0):
                del self._looks[tp]
            elif self._looks[tp] == SUSPECT_LOOKS:
                logger.warning("nothing comes of %s-%s, which goes on", tp.topic, tp.partition)
