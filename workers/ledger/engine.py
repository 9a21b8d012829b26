"""The ledger's cycles: decide one while the one before is being published."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress

from aiokafka import TopicPartition
from msgspec.structs import replace

from contracts.commands import command_name
from handlers.ledger.batch import PerCommand
from handlers.model.rules import Rules
from storage.ports.errors import StoreUnavailableError
from workers.batches.commit import Commit
from workers.batches.membership import Membership
from workers.batches.publish_pipeline import PublishPipeline
from workers.batches.subscription import Subscription
from workers.batches.writer_generation import AbandonedError
from workers.clock import monotonic_s, utc_now
from workers.config.ledger import LedgerOptions
from workers.consuming.consumer import CursorConsumer
from workers.consuming.pace import RECORDS_ENOUGH
from workers.consuming.records import Raw
from workers.consuming.unforeseen import end_for
from workers.kafka.topic_names import TopicNames
from workers.ledger.deciding import Deciding
from workers.ledger.dependencies import LedgerDependencies
from workers.ledger.group_protocol import LedgerAssignor
from workers.ledger.intake import Intake, Taken
from workers.ledger.positions import Positions
from workers.ledger.publication import Publication
from workers.ledger.steps import Steps

logger = logging.getLogger(__name__)

SIGN_OFF_S = 1.0
"""How long the store may take to note that we are done: only work is saved by it."""


class Engine:
    """One ledger worker."""

    def __init__(
        self,
        dependencies: LedgerDependencies,
        options: LedgerOptions,
        rules: Rules,
        topics: Sequence[str],
        prefix: str,
    ) -> None:
        self.options = options
        self.progress = dependencies.progress
        self.membership = Membership[CursorConsumer](
            reader=self,
            on_left=self._sign_off,
            options=options,
            progress=dependencies.progress,
            metrics=dependencies.metrics,
            subscription=Subscription(
                title="commands",
                topics=topics,
                group=options.group,
                batch_records_max=options.batch_records_max,
                assignor=LedgerAssignor,
            ),
        )
        self._dependencies = dependencies
        self._intake = Intake(prefix, dependencies.gate)
        self._names = TopicNames.under(prefix)
        self._positions = Positions(
            topics, dependencies.end_offsets, clock_skew_ms=options.clock_skew_ms
        )
        self._rules = rules
        self._deciding = Deciding(dependencies, options, self._per_command, self._positions)
        self._lot, self._again = self._deciding.lot, self._deciding.again
        self._generation = self._deciding.generation
        self._pipeline = self._a_pipeline()
        self._cycle_in_hand: asyncio.Task[None] | None = None
        self._halt = self.progress.halt
        self._recheck_at_s = 0.0

    def _per_command(self) -> PerCommand:
        """Return how each command of a cycle is decided: in one shape, whoever upgrades meanwhile."""
        rules = replace(self._rules, schema=self._dependencies.schema())
        return self._dependencies.per_command(rules)

    def _a_pipeline(self) -> PublishPipeline[Publication]:
        dependencies = self._dependencies
        return PublishPipeline(
            membership=self.membership,
            generation=self._generation,
            publisher=dependencies.publisher,
            replies=dependencies.replies,
            on_repeat=lambda late: self._again.schedule(late.usernames),
            on_acknowledged=lambda done: self._deciding.published.take_in(
                done.sequences, done.shared
            ),
            on_committed=dependencies.metrics.cycle_seconds.labels("publish").observe,
        )

    async def take(self, records: Sequence[Raw]) -> None:
        """Decide *records* in one cycle, and leave it to be published.

        Returns when more may be read: once the cycle is applied and the one before it is published
        and committed; in a backlog as soon as the cycle begins, so that more is read beside it.
        """
        if self.membership.over:
            return  # they are read again from the committed offsets
        steps = Steps(self._dependencies.metrics)
        self.progress.busy = True
        taken = await self._intake.read(records, dict(self.membership.consumer.cursors))
        steps.end("read")
        await self.membership.turn.acquire()
        steps.end("wait")
        if self.membership.over:
            # The next poll starts over; then nobody could tell that this was read before what was
            # given up, and it would be decided and committed behind it.
            self.membership.turn.release()
            return
        enough = min(RECORDS_ENOUGH, self.options.batch_records_max)
        alone = len(records) < enough or not self._deciding.may_read_on()
        self._cycle_in_hand = asyncio.create_task(self._take(taken, steps, alone=alone))
        self._cycle_in_hand.add_done_callback(self._ended)
        if alone:
            await asyncio.wait([self._cycle_in_hand])

    async def _take(self, taken: Taken, steps: Steps, *, alone: bool) -> None:
        """Decide what was taken, whose turn it is."""
        if self.membership.over:
            return  # too late: this is read again, too
        try:
            await self._cycle(taken, steps, alone=alone)
        except AbandonedError:
            logger.warning("a cycle was abandoned; its records are read again")

    def _ended(self, cycle: asyncio.Task[None]) -> None:
        """Let the next begin, or end the process where a cycle failed in a way nobody foresaw."""
        if not cycle.cancelled() and (error := cycle.exception()):
            end_for(error, what="a batch of commands", progress=self.progress)
        self.membership.turn.release()  # not before: whoever waits for it must know

    async def idle(self) -> None:
        """Do what is due without new records: decide parked commands again, repeat states."""
        if self.membership.turn.locked() or self._halt.is_set:
            return  # a cycle goes on beside the reading, or nothing does any more
        waits = len(self._lot) > 0
        # Control records move cursors too; what they pass is committed by a cycle of its own.
        due = waits or self._again.due() or self._uncommitted()
        if due and monotonic_s() >= self._recheck_at_s:
            await self.take(())
        elif not self._pipeline.busy and not waits:
            self.progress.busy = False
            self.progress.advance()

    async def settle(self) -> None:
        """Have the cycle on its way published and committed."""
        await self._pipeline.wait(None)

    def give_up(self) -> None:
        """Give up everything that is applied but not published; it is owed from now on."""
        # A late write of ours may leave an older state last.
        late = self._pipeline.uncommitted
        self._again.schedule(late.usernames if late else ())
        self._pipeline.abandon()
        self.forget()

    async def _sign_off(self) -> None:
        """Tell those who come after us that nothing is in hand and nothing is owed, if so.

        What was given up was written under another name.
        """
        if self._halt.is_set or self.membership.turn.locked():
            return  # nothing is certain, or not yet
        if self._pipeline.uncommitted or len(self._again):
            return  # a late write may still follow
        writer = self._generation.writer
        self._generation.retire_writer()
        try:
            async with asyncio.timeout(SIGN_OFF_S):
                await self._dependencies.ledger.sign_off(writer, at=utc_now())
        except (StoreUnavailableError, TimeoutError) as error:
            logger.warning("the next worker asks again for what we published: %s", error)

    def forget(self) -> None:
        """Drop what was read, parked and learnt: reading restarts at the committed offsets."""
        self._deciding.writer_sign_offs.forget()
        self._deciding.published.forget()
        self._lot.clear()
        self._export_parked()
        self._positions.forget()

    async def _cycle(self, taken: Taken, steps: Steps, *, alone: bool) -> None:
        number = self._generation.number
        self._positions.take_in(taken, self.membership.consumer.undecodable)
        publication = Publication(
            names=self._names, group=self.options.group, read_at_s=steps.started_s
        )
        for problem in taken.unreadable:
            publication.add_unreadable(problem, command_name(problem.topic))
        commands = [*self._lot.take(), *taken.commands]
        taken.forget()
        await self._deciding.decide(
            commands,
            publication,
            ahead=self._pipeline.unacknowledged,
            consumer=self.membership.consumer,
            alone=alone,
        )
        del commands
        commit = self._commit(taken.cursors)
        steps.end("apply")
        # What was on its way may be given up; the number says whether this goes with it.
        with suppress(AbandonedError):
            await self._pipeline.free(self.membership.consumer.keep_membership)
        self._generation.check(number)
        self._pipeline.start(publication, commit)
        steps.end("wait")
        self._hold()
        self._recheck_at_s = monotonic_s() + self.options.parked_recheck_ms / 1000
        if taken.count:
            self._dependencies.metrics.batch_records.labels().observe(taken.count)

    def _uncommitted(self) -> bool:
        offsets = self._positions.committable(
            self.membership.consumer.cursors, self._lot.first_offsets()
        )
        return bool(offsets) and not self._pipeline.busy

    def _commit(self, cursors: Mapping[TopicPartition, int]) -> Commit:
        offsets = self._positions.committable(cursors, self._lot.first_offsets())
        return self.membership.commit(offsets, done=self._positions.committed)

    def _hold(self) -> None:
        ahead = self._lot.ahead(self._positions.ours, records_max=self.options.parked_records_max)
        self.membership.consumer.set_paused(TopicPartition(*place) for place in ahead)
        self._export_parked()

    def _export_parked(self) -> None:
        self._dependencies.metrics.parked_records.set(len(self._lot))
        self._dependencies.metrics.parked_seconds.set(self._lot.waited_s())
