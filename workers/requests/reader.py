"""Reads requests in batches: one is answered while the replies to the one before go out."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import KW_ONLY, dataclass, field
from typing import Protocol, cast

from aiokafka import TopicPartition

from contracts.requests import AnyRequest, request_name
from contracts.topics import TopicSpec
from handlers.model.input_records import RequestRecord
from workers.batches.backoff import backoff_s
from workers.batches.commit import Commits
from workers.batches.membership import Membership
from workers.batches.parsing import RequestParser
from workers.batches.publish_pipeline import PublishPipeline
from workers.batches.subscription import Subscription
from workers.batches.unreadable import Unreadable, parsed
from workers.batches.writer_generation import AbandonedError, WriterGeneration
from workers.clock import monotonic_s
from workers.config.reader import ReaderOptions
from workers.consuming.records import Raw
from workers.kafka.publishing import Publisher
from workers.kafka.replies import Replies
from workers.kafka.topic_names import TopicNames
from workers.monitoring.corrupt import CorruptDocuments
from workers.monitoring.metrics import Metrics
from workers.monitoring.progress import Progress
from workers.requests.answering import AnsweredRequest, Answerer
from workers.requests.asking import AWAY, Failed, ask
from workers.requests.reply_batch import ReplyBatch

logger = logging.getLogger(__name__)


class RequestsConsumer(Commits, Protocol):
    """What is needed of `workers.consuming.consumer.CursorConsumer`."""

    cursors: dict[TopicPartition, int]

    async def keep_membership(self) -> None:
        """Remain a member of the group without taking anything."""
        ...


@dataclass(slots=True)
class RequestReader:
    """Between the consumer and an answerer.

    A batch is published whole and then committed, or given up and read again: to ask twice does no
    harm.
    """

    answerer: Answerer
    _: KW_ONLY
    group: str
    topics: Mapping[TopicSpec, type[AnyRequest]]
    prefix: str
    publisher: Publisher
    replies: Replies
    metrics: Metrics
    corrupt: CorruptDocuments
    progress: Progress
    options: ReaderOptions
    membership: Membership[RequestsConsumer] = field(init=False)
    parser: RequestParser = field(init=False)
    _names: TopicNames = field(init=False)
    _pipeline: PublishPipeline[ReplyBatch] = field(init=False)
    _generation: WriterGeneration = field(init=False)
    _committed: dict[TopicPartition, int] = field(default_factory=dict[TopicPartition, int])

    def __post_init__(self) -> None:
        """Join the group."""
        self.membership = Membership(
            reader=self,
            subscription=Subscription(
                title=self.group,
                topics=tuple(self.prefix + topic.name for topic in self.topics),
                group=self.group,
                batch_records_max=self.answerer.batch_records_max,
            ),
            options=self.options,
            progress=self.progress,
            metrics=self.metrics,
        )
        self.parser = RequestParser(self.topics, self.prefix)
        self._names = TopicNames.under(self.prefix)
        self._generation = WriterGeneration(self.progress.halt)
        self._pipeline = PublishPipeline(
            membership=self.membership,
            generation=self._generation,
            publisher=self.publisher,
            replies=self.replies,
        )

    async def take(self, records: Sequence[Raw]) -> None:
        """Answer *records*, and leave the answers to be published.

        Returns when they are answered, and the batch before is published and committed.
        """
        async with self.membership.turn:
            if self.membership.over:
                return  # they are read again from the committed offsets
            self.progress.busy = True
            try:
                await self._batch(records)
            except AbandonedError:
                logger.warning("a batch of requests was abandoned; its records are read again")

    async def idle(self) -> None:
        """Commit what control records moved; note that nothing waits."""
        if self._pipeline.busy or self.progress.halt.is_set:
            return
        if self._uncommitted():
            await self.take(())
        else:
            self.progress.busy = False
            self.progress.advance()

    async def settle(self) -> None:
        """Have the replies on their way published and committed."""
        await self._pipeline.wait(None)

    def give_up(self) -> None:
        """Stop publishing what is answered: it is answered again."""
        self._pipeline.abandon()
        self.forget()

    def forget(self) -> None:
        """Drop what is known to be committed."""
        self._committed.clear()

    async def _batch(self, records: Sequence[Raw]) -> None:
        number = self._generation.number
        batch = ReplyBatch(names=self._names, group=self.group, read_at_s=monotonic_s())
        commit = self.membership.commit(self._uncommitted(), done=self._committed.update)
        asked = self._asked(records, batch)
        for each in await self._answered(asked, number):
            if isinstance(each, Failed):
                batch.add_failed(each, self.parser.topic(cast("Raw", each.asked.record)))
            else:
                batch.add_said(each)
        # What was on its way may be given up; the number says whether this goes with it.
        with suppress(AbandonedError):
            await self._pipeline.free(self.membership.consumer.keep_membership)
        self._generation.check(number)
        self._pipeline.start(batch, commit)

    def _asked(self, records: Sequence[Raw], batch: ReplyBatch) -> Sequence[RequestRecord]:
        """Return the requests in *records*; what is none is said to be."""
        asked: list[RequestRecord] = []
        for record in records:
            read = parsed(self.parser, record)
            if isinstance(read, Unreadable):
                batch.add_unreadable(read, request_name(read.topic))
            else:
                asked.append(read)
        return asked

    async def _answered(
        self, asked: Sequence[RequestRecord], number: int
    ) -> Sequence[AnsweredRequest | Failed]:
        """Ask until the stores answer, staying in the group.

        Raises:
            AbandonedError: The batch was given up.
        """
        tries = 0
        while True:
            try:
                said = await ask(self.answerer, asked, self.corrupt)
            except AWAY as error:
                tries += 1
                self.progress.wait_for_store()
                logger.warning("requests wait: %s", error)
            else:
                self._generation.check(number)
                self.progress.advance()
                return said
            self._check(number)
            await asyncio.sleep(backoff_s(tries, self.options))
            self._check(number)
            await self.membership.consumer.keep_membership()
            self._check(number)

    def _check(self, number: int) -> None:
        """Wait no longer where nobody wants the answers: others would have to wait for us.

        Raises:
            AbandonedError: The batch was given up, its partitions are going, or the service stops.
        """
        self._generation.check(number)
        if self.membership.hooks.reset_needed or self.membership.stopping:
            raise AbandonedError

    def _uncommitted(self) -> dict[TopicPartition, int]:
        cursors = self.membership.consumer.cursors
        return {tp: at for tp, at in cursors.items() if self._committed.get(tp) != at}
