"""A consumer that lets a steady stream gather: a batch is worth what every batch costs."""

# aiokafka annotates only a part of its interface:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

import asyncio
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import ConsumerStoppedError, CorruptRecordException, KafkaError

from workers.consuming.held_fetches import HeldFetches
from workers.consuming.hooks import Hooks
from workers.consuming.pace import Poll, PollPace, joined, size
from workers.consuming.watched_consumer import DeadConsumerError, WatchedConsumer

FRESH_MS = 25
"""How long the other brokers are waited for: a little longer than Kafka may hold a fetch."""


class GatheringConsumer(WatchedConsumer):
    """A consumer that rests before a poll, as its `PollPace` says, and fetches what has gathered."""

    def __init__(self, *, hooks: Hooks, **settings: Any) -> None:
        """Take the settings of aiokafka's consumer."""
        super().__init__(hooks=hooks, **settings)
        self._pace = PollPace()
        self._fetches = HeldFetches(self._client)

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """Read on at *offset*; what is fetched from elsewhere ends."""
        super().seek(partition, offset)
        self._fetches.end([partition])

    def resume(self, *partitions: TopicPartition) -> None:
        """Read *partitions* again; a fetch without them ends."""
        super().resume(*partitions)
        self._fetches.end(partitions)

    async def gathered(self, wait_ms: int, max_records: int | None) -> Poll:
        """Poll for up to *wait_ms*, and where records come steadily let some gather first.

        Then nothing is fetched ahead: one fetch of each broker brings all that has gathered.

        Raises:
            KafkaError: Whatever aiokafka raises, or a record that it stumbles over.
        """
        steady = self._pace.steady
        await asyncio.sleep(self._pace.rest_s())
        self.screen.fetching.set()
        records = await self.fetched(timeout_ms=wait_ms, max_records=max_records)
        if steady:
            self.screen.fetching.clear()
            records = await self._with_others(records, max_records)
        self._pace.took(records, max_records)
        if not self._pace.steady:
            self.screen.fetching.set()
        return records

    async def _with_others(self, records: Poll, max_records: int | None) -> Poll:
        """Return *records* with those of brokers that have not answered yet."""
        while records and self.screen.asked:
            left = None if max_records is None else max_records - size(records)
            if left == 0:
                break
            more = await self.fetched(timeout_ms=FRESH_MS, max_records=left)
            if not more:
                break
            records = joined(records, more)
        return records

    async def fetched(self, *, timeout_ms: int, max_records: int | None) -> Poll:
        """Return what there is, as long as Kafka may hold a fetch for nothing.

        Raises:
            KafkaError: Whatever aiokafka raises, or a record that it stumbles over.
            DeadConsumerError: Nothing will ever come any more.
        """
        try:
            records = await self.checked_poll(timeout_ms=timeout_ms, max_records=max_records)
        except (KafkaError, ConsumerStoppedError, DeadConsumerError):
            raise
        except Exception as error:
            # A malformed record fails with whatever aiokafka stumbles over.
            raise CorruptRecordException(f"{type(error).__name__}: {error}") from error
        self._fetches.end(records)  # where it was sent while these waited, and so without them
        fetcher: Any = self._fetcher  # which has no way to be told, and asks each time with this
        fetcher._fetch_max_wait_ms = self._pace.fetch_wait_ms(records)  # noqa: SLF001
        return records
