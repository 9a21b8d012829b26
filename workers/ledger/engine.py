"""The ledger's cycles: decide one while the one before is being published."""

import asyncio
import logging
from collections.abc import Collection, Sequence
from functools import partial

from aiokafka import TopicPartition

from handlers.reading import Reading
from handlers.received import Received
from handlers.rules import Rules
from workers.clock import monotonic_s
from workers.consuming.commit import Commit
from workers.consuming.consumer import CursorConsumer
from workers.consuming.hooks import Hooks
from workers.consuming.outbox import Outbox
from workers.consuming.records import Raw
from workers.consuming.term import AbandonedError
from workers.ledger.backoff import backoff_s
from workers.ledger.conclude import guarded
from workers.ledger.intake import Intake
from workers.ledger.lane import Lane, Surroundings
from workers.ledger.options import LedgerOptions
from workers.ledger.outside import Outside
from workers.ledger.parking import ParkingLot
from workers.ledger.positions import Positions
from workers.ledger.publication import Publication
from workers.ledger.states_again import StatesAgain
from workers.ledger.steps import Steps
from workers.ledger.tenure import Tenure
from workers.topic_names import TopicNames

logger = logging.getLogger(__name__)

LANE_COMMANDS_MIN = 200
"""Commands that are worth another lane: below it a second transaction costs more than it saves."""


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
        self.hooks = Hooks(revoked=self.revoked, idle=self.idle)
        self.group = options.group
        self._consumer: CursorConsumer | None = None
        self._outside = outside
        self._conclude = guarded(rules)
        self._intake = Intake(prefix, outside.gate)
        self._names = TopicNames.under(prefix)
        self._tenure = Tenure()
        self._positions = Positions(
            topics, outside.end_offsets, clock_skew_ms=options.clock_skew_ms
        )
        self._lot = ParkingLot()
        self._again = StatesAgain(options.publish_deadline_ms)
        self._outbox = Outbox[Publication](
            outside.publisher,
            outside.replies,
            options=options,
            metrics=outside.metrics,
            progress=outside.progress,
        )
        self._outbox.on_repeat = lambda late: self._again.schedule(late.usernames)
        self._outbox.on_committed = outside.metrics.cycle_seconds.labels("publish").observe
        self._turn = asyncio.Lock()
        self._staying = asyncio.Lock()
        self._stopping = False
        self._doubtful = False
        """The last cycle had refusals that other commands could lift: so may the next."""
        self._recheck_at_s = 0.0

    def attach(self, consumer: CursorConsumer) -> None:
        """Read from *consumer* from now on."""
        self._consumer = consumer

    async def take(self, records: Sequence[Raw]) -> None:
        """Decide *records* in one cycle, and leave it to be published.

        Returns when the cycle is applied and the one before it is published and committed.
        """
        async with self._turn:
            if self._stopping or self.hooks.reset_needed:
                return  # they are read again from the committed offsets
            self.progress.busy = True
            try:
                await self._cycle(records)
            except AbandonedError:
                logger.warning("a cycle was abandoned; its records are read again")

    async def idle(self) -> None:
        """Do what is due without new records: decide parked commands again, repeat states."""
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
        self._forget()
        self.progress.busy = False  # until partitions are given out again nothing can be done

    async def drain(self) -> None:
        """Finish the cycle in hand within a bound; nothing is taken afterwards."""
        self._stopping = True
        if not await self._outbox.settled(self._turn, self.options.shutdown_timeout_ms):
            self.abandon("the service stops")

    def abandon(self, reason: str) -> None:
        """Give up everything that is applied but not published; it is owed from now on."""
        logger.warning("giving up what is in hand: %s", reason)
        self._tenure.end()
        # A late write of ours may leave an older state last.
        late = self._outbox.uncommitted
        self._again.schedule(late.usernames if late else ())
        self._outbox.abandon()
        self._forget()
        self.hooks.reset_needed = True

    def _forget(self) -> None:
        self._lot.clear()
        self._positions.forget()

    @property
    def _reading(self) -> CursorConsumer:
        assert self._consumer is not None, "the consumer is attached before the first poll"
        return self._consumer

    async def _cycle(self, records: Sequence[Raw]) -> None:
        number = self._tenure.number
        steps = Steps(self._outside.metrics)
        commands, unreadable = await self._intake.read(self._lot.take(), records)
        self._tenure.check(number)  # what was forgotten meanwhile must stay so
        self._positions.take_in(records, self._reading)
        steps.end("read")
        publication = Publication(
            names=self._names, group=self.options.group, read_at_s=steps.started_s
        )
        publication.add_unreadable(unreadable)
        lanes = await self._apply(commands, publication)
        del commands
        self._tenure.check(number)
        self._lot.park(
            (received for lane in lanes for received in lane.parked), self._read_so_far()
        )
        for lane in lanes:
            # Whoever wrote before us may be late with an older state: say ours once more.
            self._again.schedule(lane.met)
        commit = self._commit()
        steps.end("apply")
        await self._outbox.free(self._reading.stay)
        self._tenure.check(number)
        self._outbox.start(publication, commit, self._tenure)
        steps.end("wait")
        self._hold()
        self._recheck_at_s = monotonic_s() + self.options.parked_recheck_ms / 1000
        if records:
            self._outside.metrics.batch_records.labels().observe(len(records))

    async def _apply(
        self, commands: Sequence[Received], publication: Publication
    ) -> Sequence[Lane]:
        asked = asyncio.ensure_future(self._ask_ahead(commands))
        lanes = self._lanes(commands, asked)
        try:
            await self._run(lanes, publication)
        finally:
            asked.cancel()  # an answer that comes later says nothing of the next cycle's commands
        self._doubtful = any(lane.doubted for lane in lanes)
        return lanes

    def _lanes(self, commands: Sequence[Received], asked: asyncio.Future[None]) -> list[Lane]:
        """Share the users out, and the accounts whose state is due once more."""
        count = min(self.options.lanes, 1 + len(commands) // LANE_COMMANDS_MIN)
        around = self._surroundings(asked)
        ahead = self._outbox.unacknowledged
        lanes = [Lane(around, ahead.lowest if ahead else {}) for _ in range(count)]
        for received in commands:
            username = received.command.username
            lanes[hash(username) % count].users.setdefault(username, []).append(received)
        for username in self._again.take(self.options.states_again_max):
            lanes[hash(username) % count].again.append(username)
        return [lane for lane in lanes if lane.users or lane.again]

    def _surroundings(self, asked: asyncio.Future[None]) -> Surroundings:
        return Surroundings(
            ledger=self._outside.ledger,
            conclude=self._conclude,
            metrics=self._outside.metrics,
            tenure=self._tenure,
            reading=self._read_so_far,
            ask_ends=self._ask_ends,
            asked=asked,
            pause=partial(self._pause, self._tenure.number),
        )

    def _read_so_far(self) -> Reading:
        return self._positions.reading(self._lot.ends)

    async def _run(self, lanes: Sequence[Lane], publication: Publication) -> None:
        """Run the lanes side by side; one that fails for good ends the others."""

        async def run(lane: Lane) -> None:
            await lane.run()
            publication.add_lane(lane)  # rendered while the other lanes wait for MongoDB
            lane.forget()

        try:
            async with asyncio.TaskGroup() as group:
                for lane in lanes:
                    group.create_task(run(lane))
        except* AbandonedError as error:
            raise AbandonedError from error

    async def _ask_ahead(self, commands: Sequence[Received]) -> None:
        """Ask beside the gathering, where the cycle before would have asked after it."""
        self._positions.begin_cycle()
        if self._doubtful and commands:
            await self._ask_ends({received.source.partition for received in commands})

    async def _ask_ends(self, numbers: Collection[int]) -> None:
        """Have the refusals of this cycle measured by how far the topics reach now."""
        self._outside.metrics.end_offset_questions_total.inc()
        await self._positions.ask_ends(
            self._reading, numbers, timeout_ms=self.options.end_offsets_timeout_ms
        )

    async def _pause(self, number: int, dependency: str | None, tries: int) -> None:
        """Wait before the next try of a lane, staying in the group.

        Raises:
            AbandonedError: The cycle was given up.
        """
        if dependency is not None:
            self.progress.wait_for(dependency)
        self._tenure.check(number)
        if tries:
            await asyncio.sleep(backoff_s(tries, self.options))
        if dependency is not None and not self._staying.locked() and not self.hooks.reset_needed:
            async with self._staying:
                await self._reading.stay()
        self._tenure.check(number)

    def _uncommitted(self) -> bool:
        offsets = self._positions.committable(self._reading, self._lot.first_offsets())
        return bool(offsets) and not self._outbox.busy

    def _commit(self) -> Commit:
        offsets = self._positions.committable(self._reading, self._lot.first_offsets())
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
        self._outside.metrics.parked_records.set(len(self._lot))
