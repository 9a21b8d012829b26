"""The ledger's cycles: decide one while the one before is being published."""

import asyncio
import logging
from collections.abc import Mapping, Sequence

from aiokafka import TopicPartition

from contracts.commands import command_name
from handlers.rules import Rules
from storage.ports import StoreUnavailableError
from workers.clock import monotonic_s, utc_now
from workers.consuming.commit import Commit
from workers.consuming.consumer import CursorConsumer
from workers.consuming.hooks import Hooks
from workers.consuming.outbox import Outbox
from workers.consuming.pace import RECORDS_ENOUGH
from workers.consuming.records import Raw
from workers.consuming.unforeseen import end_for
from workers.consuming.writer_generation import AbandonedError
from workers.ledger.conclude import guarded
from workers.ledger.deciding import Deciding
from workers.ledger.intake import Intake, Taken
from workers.ledger.options import LedgerOptions
from workers.ledger.outside import Outside
from workers.ledger.positions import Positions
from workers.ledger.publication import Publication
from workers.ledger.steps import Steps
from workers.topic_names import TopicNames

logger = logging.getLogger(__name__)

SIGN_OFF_S = 1.0
"""How long MongoDB may take to note that we are done: only work is saved by it."""


class Engine:
    """One ledger worker.

    `take` and `idle` are called by the one task that polls; `drain` and `revoked` by others.
    """

    def __init__(
        self,
        outside: Outside,
        options: LedgerOptions,
        rules: Rules,
        topics: Sequence[str],
        prefix: str,
    ) -> None:
        self.options = options
        self.topics = topics
        """Full names of the ordered command topics."""
        self.progress = outside.progress
        self.hooks = Hooks(self.revoked, self.idle, self.progress)
        self.group = options.group
        self._consumer: CursorConsumer | None = None
        self._outside = outside
        self._intake = Intake(prefix, outside.gate)
        self._names = TopicNames.under(prefix)
        self._positions = Positions(
            topics, outside.end_offsets, clock_skew_ms=options.clock_skew_ms
        )
        self._deciding = Deciding(outside, options, guarded(rules), self._positions)
        self._lot, self._again = self._deciding.lot, self._deciding.again
        self._generation = self._deciding.generation
        self._outbox = self._an_outbox()
        self._turn = asyncio.Lock()
        self._cycle_in_hand: asyncio.Task[None] | None = None
        self._stopping = False
        self._halt = self.progress.halt
        self._halt.listen(self._outbox.abandon)
        self._recheck_at_s = 0.0

    def _an_outbox(self) -> Outbox[Publication]:
        outside = self._outside
        outbox = Outbox[Publication](
            outside.publisher,
            outside.replies,
            options=self.options,
            metrics=outside.metrics,
            progress=outside.progress,
        )
        outbox.on_acknowledged = lambda done: self._deciding.published.take_in(
            done.sequences, done.shared
        )
        outbox.on_repeat = lambda late: self._again.schedule(late.usernames)
        outbox.on_committed = outside.metrics.cycle_seconds.labels("publish").observe
        return outbox

    def attach(self, consumer: CursorConsumer) -> None:
        """Read from *consumer* from now on."""
        self._consumer = consumer

    async def take(self, records: Sequence[Raw]) -> None:
        """Decide *records* in one cycle, and leave it to be published.

        Returns when more may be read: once the cycle is applied and the one before it is published
        and committed; in a backlog as soon as the cycle begins, so that more is read beside it.
        """
        if self._over():
            return  # they are read again from the committed offsets
        steps = Steps(self._outside.metrics)
        self.progress.busy = True
        taken = await self._intake.read(records, dict(self._reading.cursors))
        steps.end("read")
        await self._turn.acquire()
        steps.end("wait")
        enough = min(RECORDS_ENOUGH, self.options.batch_records_max)
        alone = len(records) < enough or not self._deciding.may_read_on()
        self._cycle_in_hand = asyncio.create_task(self._take(taken, steps, alone=alone))
        self._cycle_in_hand.add_done_callback(self._ended)
        if alone:
            await asyncio.wait([self._cycle_in_hand])

    async def _take(self, taken: Taken, steps: Steps, *, alone: bool) -> None:
        """Decide what was taken, whose turn it is."""
        if self._over():
            return  # too late: this is read again, too
        try:
            await self._cycle(taken, steps, alone=alone)
        except AbandonedError:
            logger.warning("a cycle was abandoned; its records are read again")

    def _ended(self, cycle: asyncio.Task[None]) -> None:
        """Let the next begin, or end the process where a cycle failed in a way nobody foresaw."""
        if not cycle.cancelled() and (error := cycle.exception()):
            end_for(error, what="a batch of commands", progress=self.progress)
        self._turn.release()  # not before: whoever waits for it must know

    def _over(self) -> bool:
        """Whether nothing is taken any more, or not before everything is read again."""
        return self._stopping or self.hooks.reset_needed or self._halt.is_set

    async def idle(self) -> None:
        """Do what is due without new records: decide parked commands again, repeat states."""
        if self._turn.locked() or self._halt.is_set:
            return  # a cycle goes on beside the reading, or nothing does any more
        waits = len(self._lot) > 0
        # Control records move cursors too; what they pass is committed by a cycle of its own.
        due = waits or self._again.due() or self._uncommitted()
        if due and monotonic_s() >= self._recheck_at_s:
            await self.take(())
        elif not self._outbox.busy and not waits:
            self.progress.busy = False
            self.progress.advance()

    async def revoked(self) -> None:
        """Finish the cycle in hand within a bound, or abandon it."""
        self._outside.metrics.rebalances_total.inc()
        self.progress.joined = False
        if not await self._outbox.settled(self._turn, self.options.revoke_timeout_ms):
            self.abandon("the partitions were revoked before it was finished")
        await self._sign_off()
        self._forget()
        self.progress.busy = False  # until partitions are given out again nothing can be done

    async def drain(self) -> None:
        """Finish the cycle in hand within a bound; nothing is taken afterwards."""
        self._stopping = True
        if not await self._outbox.settled(self._turn, self.options.shutdown_timeout_ms):
            self.abandon("the service stops")
        await self._sign_off()

    def abandon(self, reason: str) -> None:
        """Give up everything that is applied but not published; it is owed from now on."""
        logger.warning("giving up what is in hand: %s", reason)
        self._generation.end()
        # A late write of ours may leave an older state last.
        late = self._outbox.uncommitted
        self._again.schedule(late.usernames if late else ())
        self._outbox.abandon()
        self._forget()
        self.hooks.reset_needed = True

    async def _sign_off(self) -> None:
        """Tell those who come after us that nothing is in hand and nothing is owed, if so.

        What was given up was written under another name.
        """
        if self._halt.is_set or self._turn.locked():
            return  # nothing is certain, or not yet
        if self._outbox.uncommitted or len(self._again):
            return  # a late write may still follow
        writer = self._generation.writer
        self._generation.retire_writer()
        try:
            async with asyncio.timeout(SIGN_OFF_S):
                await self._outside.ledger.sign_off(writer, at=utc_now())
        except (StoreUnavailableError, TimeoutError) as error:
            logger.warning("the next worker asks again for what we published: %s", error)

    def _forget(self) -> None:
        self._deciding.predecessors.forget()
        self._deciding.published.forget()
        self._lot.clear()
        self._export_parked()
        self._positions.forget()

    @property
    def _reading(self) -> CursorConsumer:
        assert self._consumer is not None, "the consumer is attached before the first poll"
        return self._consumer

    async def _cycle(self, taken: Taken, steps: Steps, *, alone: bool) -> None:
        number = self._generation.number
        self._positions.take_in(taken, self._reading.undecodable)
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
            ahead=self._outbox.unacknowledged,
            consumer=self._reading,
            alone=alone,
        )
        del commands
        commit = self._commit(taken.cursors)
        steps.end("apply")
        await self._outbox.free(self._reading.stay)
        self._generation.check(number)
        self._outbox.start(publication, commit, self._generation)
        steps.end("wait")
        self._hold()
        self._recheck_at_s = monotonic_s() + self.options.parked_recheck_ms / 1000
        if taken.count:
            self._outside.metrics.batch_records.labels().observe(taken.count)

    def _uncommitted(self) -> bool:
        offsets = self._positions.committable(self._reading.cursors, self._lot.first_offsets())
        return bool(offsets) and not self._outbox.busy

    def _commit(self, cursors: Mapping[TopicPartition, int]) -> Commit:
        offsets = self._positions.committable(cursors, self._lot.first_offsets())
        return Commit(
            self._reading,
            offsets,
            done=self._positions.committed,
            refused=self.abandon,
            options=self.options,
            progress=self.progress,
        )

    def _hold(self) -> None:
        ahead = self._lot.ahead(self._positions.ours, records_max=self.options.parked_records_max)
        self._reading.hold(TopicPartition(*place) for place in ahead)
        self._export_parked()

    def _export_parked(self) -> None:
        self._outside.metrics.parked_records.set(len(self._lot))
        self._outside.metrics.parked_seconds.set(self._lot.waited_s())
