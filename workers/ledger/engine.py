"""The ledger's cycles: decide one while the one before is being published."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from aiokafka import TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from contracts.codes import Code
from contracts.registration import Register
from handlers.outcome import Source
from handlers.reading import Ends, PartitionReading, Place, Reading
from handlers.received import Received
from handlers.rules import Rules
from storage.ports import Ledger
from workers.clock import fresh_name, monotonic_s, utc_now
from workers.ledger.backoff import backoff_s
from workers.ledger.conclude import guarded
from workers.ledger.consumer import Hooks, LedgerConsumer
from workers.ledger.lane import AbandonedError, Lane, Surroundings
from workers.ledger.options import LedgerOptions
from workers.ledger.parking import ParkingLot
from workers.ledger.parsing import Parser, Raw, Unreadable
from workers.ledger.publication import Publication, TopicNames
from workers.ledger.states_again import StatesAgain
from workers.metrics import Metrics
from workers.progress import Progress
from workers.publishing import Publisher, PublishError
from workers.replies import Replies

logger = logging.getLogger(__name__)


class Gate(Protocol):
    """Judges sealed passwords off the loop."""

    async def verdicts(self, registers: Sequence[Register]) -> Sequence[Code | None]:
        """Return one verdict per registration: why its password is refused, or nothing."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """What the engine works with."""

    ledger: Ledger
    publisher: Publisher
    replies: Replies
    gate: Gate
    metrics: Metrics
    progress: Progress


@dataclass(slots=True)
class Engine:
    """One ledger worker. Used by one task at a time, but for `drain` and `revoked`."""

    outside: Outside
    options: LedgerOptions
    rules: Rules
    topics: Sequence[str]
    """Full names of the ordered command topics."""
    prefix: str
    consumer: LedgerConsumer | None = None
    hooks: Hooks = field(init=False)
    _parser: Parser = field(init=False)
    _names: TopicNames = field(init=False)
    _writer: str = field(default_factory=fresh_name)
    _epoch: int = 0
    """Raised by every abandonment: work of an older epoch is never published."""
    _reading: dict[Place, PartitionReading] = field(default_factory=dict[Place, PartitionReading])
    _others: dict[Place, int] = field(default_factory=dict[Place, int])
    _lot: ParkingLot = field(default_factory=ParkingLot)
    _parked_raws: dict[tuple[str, int, int], Raw] = field(
        default_factory=dict[tuple[str, int, int], Raw]
    )
    _again: StatesAgain = field(default_factory=StatesAgain)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _publishing: asyncio.Task[None] | None = None
    _unacknowledged: Mapping[str, int] = field(default_factory=dict[str, int])
    _committed: dict[TopicPartition, int] = field(default_factory=dict[TopicPartition, int])
    _stopping: bool = False
    _recheck_at_s: float = 0.0
    _staying: asyncio.Lock = field(default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        """Bind what depends on the configuration."""
        self.hooks = Hooks(revoked=self.revoked, idle=self.idle)
        self._parser = Parser(self.prefix)
        self._names = TopicNames.under(self.prefix)

    @property
    def progress(self) -> Progress:
        """This worker's account of itself."""
        return self.outside.progress

    async def take(self, records: Sequence[Raw]) -> None:
        """Decide *records* in one cycle, and leave it to be published.

        Returns when the cycle is applied and the one before it is published and committed.
        """
        async with self._turn:
            if self._stopping or self.hooks.reset_needed:
                return  # they are read again from the committed offsets
            self.outside.progress.busy = True
            try:
                await self._cycle(records)
            except AbandonedError:
                logger.warning("a cycle was abandoned; its records are read again")

    async def idle(self) -> None:
        """Do what is due without new records: recheck parked commands, repeat states."""
        due = monotonic_s() >= self._recheck_at_s and (len(self._lot) or self._again.due())
        if due:
            await self.take(())
        elif self._publishing is None or self._publishing.done():
            self.outside.progress.busy = len(self._lot) > 0
            self.outside.progress.advance()

    async def revoked(self) -> None:
        """Finish the cycle in hand within a bound, or abandon it."""
        self.outside.metrics.rebalances_total.inc()
        self.outside.progress.joined = False
        if not await self._settled(self.options.revoke_timeout_ms):
            self.abandon("the partitions were revoked before it was finished")
        self._forget()

    async def drain(self) -> None:
        """Finish the cycle in hand within a bound; nothing is taken afterwards."""
        self._stopping = True
        if not await self._settled(self.options.shutdown_timeout_ms):
            self.abandon("the service stops")

    def abandon(self, reason: str) -> None:
        """Give up everything that is applied but not published; it is owed from now on."""
        logger.warning("giving up what is in hand: %s", reason)
        self._epoch += 1
        self._writer = fresh_name()
        self._again.schedule(self._unacknowledged, self.options.publish_deadline_ms)
        self._unacknowledged = {}
        if self._publishing is not None and self._publishing is not asyncio.current_task():
            self._publishing.cancel()
        self._forget()
        self.hooks.reset_needed = True

    @property
    def _consumer(self) -> LedgerConsumer:
        assert self.consumer is not None, "the consumer is attached before the first poll"
        return self.consumer

    def _forget(self) -> None:
        self._lot.clear()
        self._parked_raws.clear()
        self._reading.clear()
        self._others.clear()
        self._committed.clear()

    async def _settled(self, timeout_ms: int) -> bool:
        try:
            async with asyncio.timeout(timeout_ms / 1000), self._turn:
                if self._publishing is not None:
                    await asyncio.wait([self._publishing])
        except TimeoutError:
            return False
        return True

    async def _cycle(self, records: Sequence[Raw]) -> None:
        epoch = self._epoch
        metrics = self.outside.metrics
        started_s = monotonic_s()
        commands, unreadable, raws = await self._read(records)
        parsed_s = monotonic_s()
        lanes = self._lanes(commands)
        await self._run(lanes)
        self._check(epoch)
        parked = [
            received
            for lane in lanes
            for applied in lane.applied
            for received in applied.decision.parked
        ]
        self._lot.park(parked)
        self._parked_raws = {
            place: raws[place] for received in parked if (place := _place(received.source)) in raws
        }
        applied_s = monotonic_s()
        publication = Publication(names=self._names, group=self.options.group, read_at_s=started_s)
        for lane in lanes:
            publication.add_lane(lane, raws)
        publication.add_unreadable(unreadable)
        self._note_met(lanes)
        offsets = self._committable()
        rendered_s = monotonic_s()
        await self._published(epoch)
        self._unacknowledged = publication.lowest
        self._publishing = asyncio.create_task(self._publish(publication, offsets, epoch))
        self._publishing.add_done_callback(self._ended)
        self._hold()
        self._recheck_at_s = monotonic_s() + self.options.parked_recheck_ms / 1000
        metrics.parked_records.set(len(self._lot))
        if records:
            metrics.batch_records.labels().observe(len(records))
        for step, seconds in (
            ("read", parsed_s - started_s),
            ("apply", applied_s - parsed_s),
            ("render", rendered_s - applied_s),
            ("wait", monotonic_s() - rendered_s),
        ):
            metrics.cycle_seconds.labels(step).observe(seconds)

    async def _read(
        self, records: Sequence[Raw]
    ) -> tuple[list[Received], list[Unreadable], dict[tuple[str, int, int], Raw]]:
        """Parse every record by itself, judge the passwords, and take what was parked."""
        commands: list[Received] = list(self._lot.take())
        unreadable: list[Unreadable] = []
        raws = dict(self._parked_raws)
        registers: list[int] = []
        parse = self._parser.parse
        for record in records:
            parsed = parse(record)
            raws[record.topic, record.partition, record.offset] = record
            if isinstance(parsed, Unreadable):
                unreadable.append(parsed)
                continue
            if isinstance(parsed.command, Register):
                registers.append(len(commands))
            commands.append(parsed)
            self._reading[record.topic, record.partition] = PartitionReading(
                cursor=record.offset + 1, last_timestamp_ms=record.timestamp
            )
        if registers:
            asked = [commands[index].command for index in registers]
            verdicts = await self.outside.gate.verdicts(
                [command for command in asked if isinstance(command, Register)]
            )
            for index, verdict in zip(registers, verdicts, strict=True):
                if verdict is not None:
                    commands[index] = replace(commands[index], password_problem=verdict)
        self._note_cursors()
        return commands, unreadable, raws

    def _note_cursors(self) -> None:
        consumer = self._consumer
        for tp, cursor in consumer.cursors.items():
            place = (tp.topic, tp.partition)
            known = self._reading.get(place)
            undecodable = tp in consumer.undecodable
            if known is None:
                self._reading[place] = PartitionReading(cursor=cursor, undecodable=undecodable)
            elif known.cursor != cursor or known.undecodable != undecodable:
                self._reading[place] = replace(known, cursor=cursor, undecodable=undecodable)

    def _lanes(self, commands: Sequence[Received]) -> list[Lane]:
        """Share the users out, and the accounts whose state is due once more."""
        count = self.options.lanes
        users: list[dict[str, list[Received]]] = [{} for _ in range(count)]
        for received in commands:
            username = received.command.username
            users[hash(username) % count].setdefault(username, []).append(received)
        again: list[list[str]] = [[] for _ in range(count)]
        for username in self._again.take(self.options.states_again_max):
            again[hash(username) % count].append(username)
        around = Surroundings(
            ledger=self.outside.ledger,
            conclude=guarded(self.rules),
            metrics=self.outside.metrics,
            writer=lambda: self._writer,
            retire_writer=self._retire_writer,
            reading=self._read_so_far,
            ask_ends=self._ask_ends,
            pause=self._pauser(self._epoch),
        )
        return [
            Lane(around, users[number], again[number], self._unacknowledged)
            for number in range(count)
            if users[number] or again[number]
        ]

    async def _run(self, lanes: Sequence[Lane]) -> None:
        """Run the lanes side by side; one that fails for good ends the others."""
        try:
            async with asyncio.TaskGroup() as group:
                for lane in lanes:
                    group.create_task(lane.run())
        except* AbandonedError as error:
            raise AbandonedError from error

    def _retire_writer(self) -> None:
        self._writer = fresh_name()

    def _read_so_far(self) -> Reading:
        return Reading(
            topics=self.topics,
            clock_skew_ms=self.options.clock_skew_ms,
            ours=self._reading,
            committed=self._others,
            ends=self._lot.ends,
        )

    async def _ask_ends(self, numbers: frozenset[int], commands: Sequence[Received]) -> None:
        """Ask once how far the topics of these partition numbers reach, and keep the answer."""
        consumer = self._consumer
        places = [TopicPartition(topic, number) for topic in self.topics for number in numbers]
        self.outside.metrics.end_offset_questions_total.inc()
        try:
            async with asyncio.timeout(self.options.end_offsets_timeout_ms / 1000):
                ends = await consumer.end_offsets(places)
                for tp in places:
                    if tp not in consumer.cursors:
                        committed = await consumer.committed(tp)
                        self._others[tp.topic, tp.partition] = committed or 0
                await consumer.settle_cursors(places)
        except (KafkaError, TimeoutError) as error:
            logger.warning("end offsets did not come, refusals wait: %s", error)
            return
        self._note_cursors()
        by_number: dict[int, Ends] = {
            number: {tp.topic: ends[tp] for tp in places if tp.partition == number}
            for number in numbers
        }
        for received in commands:
            if received.source.partition in numbers:
                self._lot.ends.setdefault(received.source, by_number[received.source.partition])

    def _pauser(self, epoch: int):
        async def pause(dependency: str | None, tries: int) -> None:
            if dependency is not None:
                self.outside.progress.wait_for(dependency)
            self._check(epoch)
            if tries:
                await asyncio.sleep(backoff_s(tries, self.options))
                await self._stay()
            self._check(epoch)

        return pause

    async def _stay(self) -> None:
        """Keep this worker in its group while it waits for something else."""
        if not self._staying.locked() and not self.hooks.reset_needed:
            async with self._staying:
                await self._consumer.stay()

    def _check(self, epoch: int) -> None:
        if epoch != self._epoch:
            raise AbandonedError

    def _note_met(self, lanes: Sequence[Lane]) -> None:
        """A worker that was replaced may still write an older state: say it once more later."""
        for lane in lanes:
            for applied in lane.applied:
                self._again.schedule(applied.met, self.options.publish_deadline_ms)

    def _committable(self) -> dict[TopicPartition, int]:
        """Return per partition the offset up to which everything is answered by this cycle."""
        waiting = self._lot.first_offsets()
        offsets: dict[TopicPartition, int] = {}
        for tp, cursor in self._consumer.cursors.items():
            offset = waiting.get((tp.topic, tp.partition), cursor)
            if self._committed.get(tp) != offset:
                offsets[tp] = offset
        return offsets

    async def _published(self, epoch: int) -> None:
        """Wait until the cycle before is published and committed."""
        if self._publishing is not None:
            await asyncio.wait([self._publishing])
            if not self._publishing.cancelled():
                self._publishing.result()
        self._check(epoch)

    async def _publish(
        self, publication: Publication, offsets: Mapping[TopicPartition, int], epoch: int
    ) -> None:
        started_s = monotonic_s()
        tries = 0
        while True:
            try:
                await self._send(publication)
                break
            except PublishError as error:
                tries += 1
                self.outside.progress.wait_for("kafka")
                logger.warning("publishing failed and is repeated: %s", error)
                self._again.schedule(publication.usernames, self.options.publish_deadline_ms)
                await asyncio.sleep(backoff_s(tries, self.options))
                self._check(epoch)
        self._unacknowledged = {}
        self._count(publication)
        await self._commit(offsets, epoch)
        self.outside.metrics.cycle_seconds.labels("publish").observe(monotonic_s() - started_s)
        self.outside.progress.advance()

    def _ended(self, task: asyncio.Task[None]) -> None:
        """End the process where publishing failed in a way nobody foresaw."""
        if task.cancelled():
            return
        error = task.exception()
        if error is not None and not isinstance(error, AbandonedError):
            logger.error("publishing failed", exc_info=error)
            self.outside.progress.fail(f"publishing failed: {type(error).__name__}")

    async def _send(self, publication: Publication) -> None:
        """States first, acknowledged; then everything else."""
        publisher = self.outside.publisher
        await publisher.publish(publication.states)
        _, undelivered = await asyncio.gather(
            publisher.publish(publication.records),
            self.outside.replies.deliver(publication.replies),
        )
        await publisher.publish(undelivered)

    async def _commit(self, offsets: Mapping[TopicPartition, int], epoch: int) -> None:
        tries = 0
        while True:
            assigned = self._consumer.assignment()
            ours = {tp: offset for tp, offset in offsets.items() if tp in assigned}
            try:
                if ours:
                    await self._consumer.commit(ours)
                self._committed.update(ours)
                return
            except (CommitFailedError, IllegalStateError) as error:
                self._check(epoch)
                self.abandon(f"the group has moved on: {error}")
                raise AbandonedError from error
            except KafkaError as error:
                tries += 1
                self.outside.progress.wait_for("kafka")
                logger.warning("committing offsets failed and is repeated: %s", error)
                await asyncio.sleep(backoff_s(tries, self.options))
                self._check(epoch)

    def _hold(self) -> None:
        ahead = self._lot.ahead(self._reading, records_max=self.options.parked_records_max)
        self._consumer.hold(TopicPartition(*place) for place in ahead)

    def _count(self, publication: Publication) -> None:
        metrics = self.outside.metrics
        now_ms = utc_now().timestamp() * 1000
        took_s = monotonic_s() - publication.read_at_s
        for command, times_ms in publication.times_ms.items():
            ages_s = [(now_ms - time_ms) / 1000 for time_ms in times_ms]
            metrics.end_to_end_seconds.labels(command).observe_many(ages_s)
            durations_s = [took_s] * len(times_ms)
            metrics.command_duration_seconds.labels(command).observe_many(durations_s)
        for (command, outcome, code), count in publication.answered.items():
            metrics.commands_total.labels(command=command, outcome=outcome, code=code).inc(count)
        for (topic, code), count in publication.dead.items():
            metrics.dead_letters_total.labels(topic=topic, code=code).inc(count)


def _place(source: Source) -> tuple[str, int, int]:
    return source.topic, source.partition, source.offset
