"""Reads waiting registrations in small batches; what cannot be settled yet is read again later."""

import asyncio
import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from aiokafka import TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from workers.clock import monotonic_s
from workers.consuming.backoff import backoff_s
from workers.consuming.commit import COMMIT_TIMEOUT_S
from workers.consuming.hooks import Hooks
from workers.consuming.options import ReaderOptions
from workers.consuming.records import Raw
from workers.credentials import CredentialsWorker
from workers.progress import Progress

logger = logging.getLogger(__name__)


class Consumer(Protocol):
    """What is needed of `workers.consuming.consumer.CursorConsumer`."""

    cursors: dict[TopicPartition, int]

    def assignment(self) -> Collection[TopicPartition]:
        """Return the partitions that are ours."""
        ...

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """Read on from *offset*."""
        ...

    def hold(self, places: Iterable[TopicPartition]) -> None:
        """Stop reading *places*, and go on with whatever was held before but is not named."""
        ...

    async def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Commit *offsets*."""
        ...


@dataclass(slots=True)
class Blocked:
    """A partition whose next record has to wait."""

    until_s: float
    tries: int


@dataclass(slots=True, kw_only=True)
class CredentialsReader:
    """Between the consumer and the worker: commits, pauses what has to wait, and goes on."""

    worker: CredentialsWorker
    options: ReaderOptions
    consumer: Consumer | None = None
    hooks: Hooks = field(init=False)
    _blocked: dict[TopicPartition, Blocked] = field(default_factory=dict[TopicPartition, Blocked])
    _uncommitted: dict[TopicPartition, int] = field(default_factory=dict[TopicPartition, int])
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _stopping: bool = False

    def __post_init__(self) -> None:
        """Listen to the group."""
        self.hooks = Hooks(self.revoked, self.idle, self.worker.progress)

    @property
    def progress(self) -> Progress:
        """This worker's account of itself."""
        return self.worker.progress

    @property
    def group(self) -> str:
        """The consumer group it reads in."""
        return self.worker.group

    def attach(self, consumer: Consumer) -> None:
        """Read from *consumer* from now on."""
        self.consumer = consumer

    async def take(self, records: Sequence[Raw]) -> None:
        """Settle *records* as far as possible now, and commit that."""
        async with self._turn:
            if self._stopping or self.hooks.reset_needed or self.progress.halt.is_set:
                return  # they are read again from the committed offsets
            offsets = await self.worker.process(records)
            self._uncommitted |= offsets
            await self._commit()
            if not self.hooks.reset_needed:
                self._block(records, offsets)
                self._hold()

    async def idle(self) -> None:
        """Go on with what has waited long enough."""
        async with self._turn:
            if self.progress.halt.is_set:
                return
            await self._commit()
            self._hold()
            if not self._blocked and not self._uncommitted:
                self.worker.progress.busy = False
                self.worker.progress.advance()

    async def revoked(self) -> None:
        """Finish the batch in hand within a bound; forget everything about the partitions."""
        await self._settled(self.options.revoke_timeout_ms)
        self._blocked.clear()
        self._uncommitted.clear()
        self.worker.forget()

    async def drain(self) -> None:
        """Finish the batch in hand within a bound; nothing is taken afterwards."""
        self._stopping = True
        await self._settled(self.options.shutdown_timeout_ms)

    async def _settled(self, timeout_ms: int) -> None:
        try:
            async with asyncio.timeout(timeout_ms / 1000), self._turn:
                await self._commit()
        except TimeoutError:
            logger.warning("a batch of credentials was not finished in time; it is read again")

    @property
    def _reading(self) -> Consumer:
        assert self.consumer is not None, "the consumer is attached before the first poll"
        return self.consumer

    def _block(self, records: Sequence[Raw], offsets: Mapping[TopicPartition, int]) -> None:
        """Go back to the first record not settled of each partition, and let it wait there."""
        last = {TopicPartition(each.topic, each.partition): each.offset for each in records}
        for tp, offset in offsets.items():
            if offset > last[tp]:
                self._blocked.pop(tp, None)
                continue
            known = self._blocked.get(tp)
            tries = known.tries + 1 if known else 1
            until_s = monotonic_s() + backoff_s(tries, self.options)
            self._blocked[tp] = Blocked(until_s=until_s, tries=tries)
            self._reading.seek(tp, offset)
            self._reading.cursors[tp] = offset
        self.worker.progress.busy = bool(self._blocked)

    def _hold(self) -> None:
        now_s = monotonic_s()
        self._reading.hold(tp for tp, each in self._blocked.items() if each.until_s > now_s)

    async def _commit(self) -> None:
        """Commit what is settled; where Kafka does not answer, it is tried again."""
        if self.progress.halt.is_set:
            return
        assigned = self._reading.assignment()
        offsets = {tp: each for tp, each in self._uncommitted.items() if tp in assigned}
        if not offsets:
            return
        try:
            async with asyncio.timeout(COMMIT_TIMEOUT_S):
                await self._reading.commit(offsets)
        except (CommitFailedError, IllegalStateError):
            self.hooks.reset_needed = True  # not ours any more: no other try can succeed
        except (KafkaError, TimeoutError) as error:
            logger.warning("credentials were settled but not committed yet: %r", error)
            return
        self._uncommitted.clear()
