"""Reads waiting registrations in small batches; what cannot be settled yet is read again later."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from contracts.topics import CREDENTIALS
from storage.ports.errors import StoreUnavailableError
from workers.batches.backoff import backoff_s
from workers.batches.commit import MOVED_ON, Commits, commit_ours
from workers.batches.membership import Membership
from workers.batches.subscription import Subscription
from workers.clock import monotonic_s
from workers.config.reader import ReaderOptions
from workers.consuming.records import Raw
from workers.credentials.hash_registrations import CredentialsWorker
from workers.credentials.portions import BATCH_RECORDS_MAX, portion
from workers.credentials.records import of_later_schemas

logger = logging.getLogger(__name__)

POLL_WAIT_MS = 20
"""Rest after a poll that brought nothing: a tenth of what one hash takes."""


class RegistrationsConsumer(Commits, Protocol):
    """What is needed of `workers.consuming.consumer.CursorConsumer`."""

    cursors: dict[TopicPartition, int]

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """Read on from *offset*."""
        ...

    def set_paused(self, places: Iterable[TopicPartition]) -> None:
        """Stop reading *places*, and go on with whatever was held before but is not named."""
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
    membership: Membership[RegistrationsConsumer] = field(init=False)
    _blocked: dict[TopicPartition, Blocked] = field(default_factory=dict[TopicPartition, Blocked])
    _uncommitted: dict[TopicPartition, int] = field(default_factory=dict[TopicPartition, int])

    def __post_init__(self) -> None:
        """Join the group."""
        self.membership = Membership(
            reader=self,
            subscription=Subscription(
                title="credentials",
                topics=(self.worker.prefix + CREDENTIALS.name,),
                group=self.worker.group,
                batch_records_max=BATCH_RECORDS_MAX,
                poll_wait_ms=POLL_WAIT_MS,
            ),
            options=self.options,
            progress=self.worker.progress,
            metrics=self.worker.metrics,
        )

    async def take(self, records: Sequence[Raw]) -> None:
        """Settle *records* as far as possible now, and commit that."""
        async with self.membership.turn:
            if self.membership.over:
                return  # they are read again from the committed offsets
            now, later = portion(records, threads=self.worker.hasher.pool.size)
            offsets = await self.process(now)
            self._uncommitted |= offsets
            await self._commit()
            if not self.membership.hooks.reset_needed:
                self._block(now, offsets)
                self._read_again(later)
                self._hold()

    async def process(self, records: Sequence[Raw]) -> Mapping[TopicPartition, int]:
        """Settle *records*, where this release may; return the next offset of each partition.

        Raises:
            NewerDataError: They, and all else, are for a later release.
        """
        if later := of_later_schemas(records):
            try:
                await self.worker.corrupt.take(later)
            except StoreUnavailableError:
                self.worker.progress.wait_for_store()
                first: dict[TopicPartition, int] = {}
                for each in records:
                    first.setdefault(TopicPartition(each.topic, each.partition), each.offset)
                return first
        return await self.worker.process(records)

    async def idle(self) -> None:
        """Go on with what has waited long enough."""
        async with self.membership.turn:
            if self.worker.progress.halt.is_set:
                return
            await self._commit()
            self._hold()
            if not self._blocked and not self._uncommitted:
                self.worker.progress.busy = False
                self.worker.progress.advance()

    async def settle(self) -> None:
        """Commit what is settled and not committed yet."""
        await self._commit()

    def give_up(self) -> None:
        """Leave the batch in hand to itself: what it settles is settled, and read again."""

    def forget(self) -> None:
        """Drop everything about the partitions."""
        self._blocked.clear()
        self._uncommitted.clear()
        self.worker.forget()

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
            self.membership.consumer.seek(tp, offset)
            self.membership.consumer.cursors[tp] = offset
        self.worker.progress.busy = bool(self._blocked)

    def _read_again(self, later: Sequence[Raw]) -> None:
        """Go back to the first of *later* in each partition that does not wait further back."""
        first: dict[TopicPartition, int] = {}
        for record in later:
            first.setdefault(TopicPartition(record.topic, record.partition), record.offset)
        for tp, offset in first.items():
            if tp not in self._blocked:
                self.membership.consumer.seek(tp, offset)
                self.membership.consumer.cursors[tp] = offset

    def _hold(self) -> None:
        now_s = monotonic_s()
        self.membership.consumer.set_paused(
            tp for tp, each in self._blocked.items() if each.until_s > now_s
        )

    async def _commit(self) -> None:
        """Commit what is settled; where Kafka does not answer, it is tried again."""
        if not self._uncommitted or self.worker.progress.halt.is_set:
            return
        try:
            await commit_ours(self.membership.consumer, self._uncommitted)
        except MOVED_ON:
            self.membership.hooks.reset_needed = True
        except (KafkaError, TimeoutError) as error:
            logger.warning("credentials were settled but not committed yet: %r", error)
            return
        self._uncommitted.clear()
