"""Decides the commands of a cycle in lanes, side by side."""

import asyncio
from collections import ChainMap
from collections.abc import Callable, Collection, Sequence
from functools import partial

from handlers.ledger.batch import PerCommand
from handlers.ledger.finality import ReadPositions
from handlers.model.input_records import CommandRecord
from workers.batches.backoff import backoff_s
from workers.batches.writer_generation import AbandonedError, WriterGeneration
from workers.config.ledger import LedgerOptions
from workers.consuming.consumer import CursorConsumer
from workers.ledger.dependencies import LedgerDependencies
from workers.ledger.lane import Lane, LaneDependencies
from workers.ledger.parking import ParkingLot
from workers.ledger.positions import Positions
from workers.ledger.publication import Publication
from workers.ledger.published_sequences import CycleSequences, PublishedSequences
from workers.ledger.republish_queue import RepublishQueue
from workers.ledger.writer_sign_offs import WriterSignOffs

LANE_COMMANDS_MIN = 1000
"""Commands that are worth another lane: a transaction costs the worker three milliseconds and the store
as many, which fewer commands do not save by being decided while another lane waits."""


class Deciding:
    """What is known from cycle to cycle, and one cycle's lanes."""

    def __init__(
        self,
        dependencies: LedgerDependencies,
        options: LedgerOptions,
        per_command: Callable[[], PerCommand],
        positions: Positions,
    ) -> None:
        self.lot = ParkingLot()
        """Commands that wait for the next cycle."""
        self.again = RepublishQueue(options.publish_deadline_ms)
        """Accounts whose state is said once more."""
        self.generation = WriterGeneration(dependencies.progress.halt)
        self.writer_sign_offs = WriterSignOffs(dependencies.ledger)
        self.published = PublishedSequences()
        """Of accounts that others write, too."""
        self._provisional = False
        """The last cycle had refusals that other commands could lift: so may the next."""
        self._dependencies = dependencies
        self._options = options
        self._per_command = per_command
        self._positions = positions
        self._staying = asyncio.Lock()

    def reading(self) -> ReadPositions:
        """Return how far everything has been read into this cycle."""
        return self._positions.reading(self.lot.ends)

    async def decide(
        self,
        commands: Sequence[CommandRecord],
        publication: Publication,
        *,
        ahead: Publication | None,
        consumer: CursorConsumer,
        alone: bool,
    ) -> None:
        """Apply *commands*, add what they say to *publication*, and park what has to wait.

        *ahead* is what Kafka has not acknowledged yet. Not *alone*, where *consumer* reads more
        meanwhile, no end offsets are asked for: the answer would count that as decided.

        Raises:
            AbandonedError: The cycle was given up.
        """
        number = self.generation.number
        ask = partial(self._fetch_end_offsets, consumer) if alone else _ask_nothing
        self._positions.begin_cycle()
        partitions = {received.source.partition for received in commands}
        # Beside the gathering, where the cycle before would have asked after it.
        asked = asyncio.ensure_future(ask(partitions) if self._provisional else _ask_nothing(()))
        dependencies = LaneDependencies(
            ledger=self._dependencies.ledger,
            per_command=self._per_command(),  # by the rules of this moment
            corrupt=self._dependencies.corrupt,
            metrics=self._dependencies.metrics,
            generation=self.generation,
            signed_off=self.writer_sign_offs.signed_off,
            acknowledged=self.published.acknowledged,
            reading=self.reading,
            fetch_end_offsets=ask,
            asked=asked,
            pause=partial(self._pause, consumer, number),
        )
        lanes = self._lanes(commands, dependencies, ahead)
        try:
            await _run(lanes, publication)
        finally:
            asked.cancel()  # an answer that comes later says nothing of the next cycle's commands
        self.generation.check(number)
        self._provisional = any(lane.provisional for lane in lanes)
        self._park(lanes)
        for lane in lanes:
            # Whoever wrote before us may be late with an older state: say ours once more.
            self.again.schedule(lane.shared)

    def may_read_on(self) -> bool:
        """Say whether more may be read beside the next cycle: nothing has to be asked for it."""
        return not self._provisional and not len(self.lot)

    def _lanes(
        self,
        commands: Sequence[CommandRecord],
        dependencies: LaneDependencies,
        ahead: Publication | None,
    ) -> Sequence[Lane]:
        """Share the users out, and the accounts whose state is due once more."""
        count = min(self._options.lanes, 1 + len(commands) // LANE_COMMANDS_MIN)
        lanes = [
            Lane(dependencies, ahead.sequences if ahead else CycleSequences(), number)
            for number in range(count)
        ]
        for received in commands:
            username = received.command.username
            lanes[hash(username) % count].users.setdefault(username, []).append(received)
        for username in self.again.take(self._options.states_again_max):
            lanes[hash(username) % count].again.append(username)
        return [lane for lane in lanes if lane.users or lane.again]

    def _park(self, lanes: Sequence[Lane]) -> None:
        self.lot.park(
            (received for lane in lanes for received in lane.parked),
            self.reading(),
            ChainMap(*(lane.early for lane in lanes)),
        )

    async def _fetch_end_offsets(self, consumer: CursorConsumer, numbers: Collection[int]) -> None:
        """Have the refusals of this cycle measured by how far the topics reach now."""
        if not numbers:
            return
        self._dependencies.metrics.end_offset_questions_total.inc()
        await self._positions.fetch_end_offsets(
            consumer, numbers, timeout_ms=self._options.end_offsets_timeout_ms
        )

    async def _pause(
        self, consumer: CursorConsumer, number: int, dependency: str | None, tries: int
    ) -> None:
        """Wait before the next try of a lane, staying in the group.

        Raises:
            AbandonedError: The cycle was given up.
        """
        if dependency is not None:
            self._dependencies.progress.wait_for(dependency)
        self.generation.check(number)
        if tries:
            await asyncio.sleep(backoff_s(tries, self._options))
        hooks = consumer.hooks
        if dependency is not None and not self._staying.locked() and not hooks.reset_needed:
            async with self._staying:
                await consumer.keep_membership()
        self.generation.check(number)


async def _ask_nothing(_numbers: Collection[int]) -> None:
    """Leave what would be asked to the next cycle."""


async def _run(lanes: Sequence[Lane], publication: Publication) -> None:
    """Run the lanes side by side; one that fails for good ends the others."""

    async def run(lane: Lane) -> None:
        await lane.run()
        publication.add_lane(lane)  # rendered while the other lanes wait for the store
        lane.forget()

    try:
        async with asyncio.TaskGroup() as group:
            for lane in lanes:
                group.create_task(run(lane))
    except* AbandonedError as error:
        raise AbandonedError from error
