"""A member of a group that keeps a story of what it is told."""

# aiokafka annotates only a part of its interface:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.coordinator.assignors.range import RangePartitionAssignor

from tests.ports.kafka.clusters import Cluster
from workers.batches.subscription import Subscription, consumer_settings
from workers.config.reader import ReaderOptions
from workers.consuming.consumer import CursorConsumer
from workers.consuming.hooks import Hooks
from workers.ledger.group_protocol import LedgerAssignor
from workers.monitoring.progress import Progress

PATIENCE_S = 60.0
"""A new group, or a rebalance, takes some seconds at a third of the speed."""


@dataclass
class Reader:
    """Reads when it is told to, as the framework does all the time."""

    cluster: Cluster
    group: str
    topics: Sequence[str]
    assignor: type[RangePartitionAssignor] = LedgerAssignor
    progress: Progress = field(default_factory=lambda: Progress("suite"))
    revoked: int = 0
    commits_when_revoked: bool = False
    session_timeout_ms: int | None = None
    consumer: CursorConsumer = field(init=False)

    def __post_init__(self) -> None:
        session_ms = self.session_timeout_ms or self.cluster.session_timeout_ms
        subscription = Subscription(
            title="records",
            topics=self.topics,
            group=self.group,
            batch_records_max=100,
            assignor=self.assignor,
        )
        self.hooks = Hooks(self._gives_back, self._nothing, self.progress)
        self.consumer = self.cluster.consumer(
            hooks=self.hooks,
            progress=self.progress,
            group_id=self.group,
            enable_auto_commit=False,
            **self.cluster.connection,
            **consumer_settings(subscription, ReaderOptions(session_timeout_ms=session_ms)),
        )
        self.consumer.subscribe(topics=list(self.topics), listener=self.hooks)

    async def _gives_back(self) -> None:
        self.revoked += 1
        if self.commits_when_revoked:
            await self.consumer.commit(self.consumer.cursors)

    async def _nothing(self) -> None:
        pass

    async def start(self) -> "Reader":
        await asyncio.wait_for(self.consumer.start(), PATIENCE_S)
        return self

    async def poll(self, most: int = 100) -> list[ConsumerRecord[Any, Any]]:
        polled = await self.consumer.getmany(timeout_ms=5, max_records=most)
        return [record for batch in polled.values() for record in batch]

    async def read(self, count: int) -> list[ConsumerRecord[Any, Any]]:
        """Poll until there are *count* records."""
        found: list[ConsumerRecord[Any, Any]] = []
        async with asyncio.timeout(PATIENCE_S):
            while len(found) < count:
                found += await self.poll(count - len(found))
        return found

    async def poll_until(self, met: Callable[[], bool], *others: "Reader") -> None:
        """Let all poll until something is so."""
        async with asyncio.timeout(PATIENCE_S):
            while not met():
                await asyncio.gather(*(reader.poll() for reader in (self, *others)))

    def has(self, *places: TopicPartition) -> bool:
        """Return whether exactly *places* are read by it."""
        ready = self.hooks.assigned and not self.hooks.reset_needed
        return ready and self.consumer.cursors.keys() == set(places)

    async def stop(self) -> None:
        await self.consumer.stop()
