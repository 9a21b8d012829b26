"""A consumer that tells a topic that was made again from the one before it."""

# aiokafka annotates only a part of its interface:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

import asyncio
import logging
from collections.abc import Collection, Mapping
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import KafkaTimeoutError, UnknownTopicOrPartitionError

from client.screening import ScreenedConsumer
from client.topics_now import topics_now
from workers.consuming.hooks import Hooks
from workers.consuming.retention import OvertakenError, overtaken_in, start_of

logger = logging.getLogger(__name__)

START_TIMEOUT_S = 5.0
"""How long Kafka may take to say where reading starts: of a topic that was deleted meanwhile the
client would go on asking for 40 s, and nothing else would be read."""


class TopicConsumer(ScreenedConsumer):
    """A consumer of a group that commits offsets together with the id of their topic.

    Offsets of a topic that was deleted and made again start at 0. Offsets of the one before it say
    nothing there: records would be skipped, or none be found.
    """

    def __init__(self, *, hooks: Hooks, **settings: Any) -> None:
        """Take the settings of aiokafka's consumer."""
        super().__init__(**settings)
        self.hooks = hooks
        self.topic_ids: Mapping[str, str] = {}
        """Of the topics that are read, as they were when reading started."""

    def subscribed(self) -> Collection[str]:
        """Return the topics that are to be read, whether they exist or not."""
        return self.subscription()

    def known_partitions(self, topic: str) -> int:
        """Return how many partitions of *topic* can be given out, as far as this process knows."""
        return len(self.partitions_for_topic(topic) or ())

    def high_water(self, topic: str, partition: int) -> int | None:
        """Return the end of the log as last fetched; None before the first fetch."""
        return self.highwater(TopicPartition(topic, partition))

    def stable_offset(self, topic: str, partition: int) -> int | None:
        """Return where the first open transaction begins, or the log ends; None before a fetch."""
        consumer: Any = super()
        return consumer.last_stable_offset(TopicPartition(topic, partition))

    async def find_starts(self, places: Collection[TopicPartition]) -> dict[TopicPartition, int]:
        """Return where to read on in each of *places*, which are assigned.

        Raises:
            OvertakenError: Retention was faster than the group.
            KafkaError: Nobody answers, or a topic is gone.
        """
        if not places:
            return {}
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                return await self._find_starts(places)
        except TimeoutError as error:
            raise KafkaTimeoutError("Kafka did not say in time where reading starts") from error

    async def _find_starts(self, places: Collection[TopicPartition]) -> dict[TopicPartition, int]:
        topics = {tp.topic for tp in places}
        # The id first: a topic made again while we ask is noticed by it later.
        now = await topics_now(self, topics)
        if gone := topics - now.keys():
            self.look_again()  # so that it is taken from us soon
            raise UnknownTopicOrPartitionError(f"no topic {', '.join(sorted(gone))}")
        beginnings = await self.beginning_offsets(list(places))
        coordinator: Any = self._coordinator  # whose answer holds what was committed beside offsets
        committed: Mapping[TopicPartition, Any] = await coordinator.fetch_committed_offsets(
            list(places)
        )
        starts: dict[TopicPartition, int] = {}
        for tp in places:
            found = committed.get(tp)
            offset: int | None = None if found is None else found.offset
            read: str = "" if found is None else found.metadata
            if read and read != now[tp.topic].topic_id:
                logger.warning(
                    "%s was deleted and made again: %s is read from its beginning",
                    *(tp.topic, tp.partition),
                )
                offset = None
            starts[tp] = start_of(tp, offset, beginnings[tp])
        self.topic_ids = {name: topic.topic_id for name, topic in now.items()}
        return starts

    async def commit(self, offsets: Mapping[TopicPartition, int] | None = None) -> None:
        """Commit *offsets*, and in which topic they were read."""
        ids = self.topic_ids
        await super().commit(
            offsets and {tp: (each, ids.get(tp.topic, "")) for tp, each in offsets.items()}
        )

    async def lost(self, cursors: Mapping[TopicPartition, int]) -> OvertakenError | None:
        """Return which records are lost where one of *cursors* is outside of its log.

        None are where the log is another one by now: it is read anew.

        Raises:
            KafkaError: Nobody answers.
        """
        now = await topics_now(self, self.topic_ids.keys())
        if any(name in now and now[name].topic_id != read for name, read in self.topic_ids.items()):
            self.start_anew()
            return None
        return await overtaken_in(self, cursors)

    def look_again(self) -> None:
        """Ask which partitions there are, and have them shared out anew where there are others."""
        self._client.force_metadata_update()

    def start_anew(self) -> None:
        """Give all partitions back and take them again, as in any rebalance."""
        if self.hooks.assigned and not self.hooks.reset_needed:
            coordinator: Any = self._coordinator  # which has no other way to be told
            coordinator.request_rejoin()
