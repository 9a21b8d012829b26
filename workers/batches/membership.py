"""A reader's place in its consumer group: what it reads from, whose turn it is, and how it leaves."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from aiokafka import TopicPartition
from faststream.kafka import KafkaBroker

from workers.batches.commit import Commit, Commits
from workers.batches.subscription import Subscription, subscribe
from workers.batches.writer_generation import AbandonedError
from workers.config.reader import ReaderOptions
from workers.consuming.hooks import Hooks
from workers.consuming.records import Raw
from workers.consuming.unforeseen import or_end
from workers.monitoring.metrics import Metrics
from workers.monitoring.progress import Progress

logger = logging.getLogger(__name__)

C = TypeVar("C", bound=Commits)


class GroupReader(Protocol):
    """What becomes of a group's records: each reader's own.

    `take` and `idle` are called by the one task that polls, the others by whoever ends what is in hand.
    """

    async def take(self, records: Sequence[Raw]) -> None:
        """Work on *records*; return when more may be read."""
        ...

    async def idle(self) -> None:
        """Do what is due without new records."""
        ...

    async def settle(self) -> None:
        """Finish what is in hand, in turn. It is cut off at a deadline.

        Raises:
            AbandonedError: It was given up already.
        """
        ...

    def give_up(self) -> None:
        """Let go of what is in hand: it is read again from the committed offsets."""
        ...

    def forget(self) -> None:
        """Drop what is known of the partitions: they may be another's now."""
        ...


async def _nothing() -> None:
    """Leave without a word."""


@dataclass(slots=True, kw_only=True)
class Membership(Generic[C]):
    """What all readers have in common, whatever they do with the records."""

    reader: GroupReader
    subscription: Subscription
    options: ReaderOptions
    progress: Progress
    metrics: Metrics
    on_left: Callable[[], Awaitable[None]] = _nothing
    """Called once nothing is in hand any more: where partitions go, and where the service stops."""
    hooks: Hooks = field(init=False)
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held by whoever works on a batch."""
    stopping: bool = False
    _consumer: C | None = None

    def __post_init__(self) -> None:
        """Listen to the group."""
        self.hooks = Hooks(self.revoked, self.reader.idle, self.progress)

    @property
    def consumer(self) -> C:
        """What it reads from."""
        assert self._consumer is not None, "the consumer is attached before the first poll"
        return self._consumer

    @property
    def over(self) -> bool:
        """Whether nothing is taken any more, or not before everything is read again."""
        return self.stopping or self.hooks.reset_needed or self.progress.halt.is_set

    def subscribe(self, broker: KafkaBroker) -> None:
        """Have what comes to the group brought to the reader; what it raises ends the process."""
        take = or_end(self.reader.take, title=self.subscription.title, progress=self.progress)
        subscribe(broker, self.subscription, options=self.options, listener=self.hooks, take=take)

    def attach(self, consumer: C) -> None:
        """Read from *consumer* from now on."""
        self._consumer = consumer

    def commit(
        self,
        offsets: Mapping[TopicPartition, int],
        *,
        done: Callable[[Mapping[TopicPartition, int]], None],
    ) -> Commit:
        """Return what commits *offsets* once their batch is published; *done* is told which."""
        return Commit(
            self.consumer,
            offsets,
            done=done,
            refused=self.abandon,
            options=self.options,
            progress=self.progress,
        )

    async def revoked(self) -> None:
        """Finish what is in hand within a bound, or abandon it."""
        self.metrics.rebalances_total.inc()
        self.progress.joined = False
        if not await self._settled(self.options.revoke_timeout_ms):
            self.abandon("the partitions were revoked before it was finished")
        await self.on_left()
        self.reader.forget()
        self.progress.busy = False  # until partitions are given out again nothing can be done

    async def drain(self) -> None:
        """Finish what is in hand within a bound; nothing is taken afterwards."""
        self.stopping = True
        if not await self._settled(self.options.shutdown_timeout_ms):
            self.abandon("the service stops")
        await self.on_left()

    def abandon(self, reason: str) -> None:
        """Give up what is in hand; it is read again from the committed offsets."""
        logger.warning("giving up %s in hand: %s", self.subscription.title, reason)
        self.reader.give_up()
        self.hooks.reset_needed = True

    async def _settled(self, timeout_ms: int) -> bool:
        """Say whether all in hand is done within a bound: what holds the turn, and what is on its way."""
        try:
            async with asyncio.timeout(timeout_ms / 1000), self.turn:
                await self.reader.settle()
        except TimeoutError:
            return False
        except AbandonedError:
            pass  # given up already: nothing is in hand
        return True
