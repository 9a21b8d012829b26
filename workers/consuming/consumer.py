"""Our own consumer: never skips a record, whatever a poll or a rebalance does."""

# aiokafka annotates only a part of its interface:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

import asyncio
import logging
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.errors import (
    ConsumerStoppedError,
    CorruptRecordException,
    InconsistentGroupProtocolError,
    KafkaError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
    UnsupportedCodecError,
)

from client.batches import Mark
from workers.consuming.gathering_consumer import GatheringConsumer
from workers.consuming.hooks import Hooks
from workers.consuming.pace import Poll
from workers.consuming.reading_watch import ReadingWatch
from workers.consuming.records import Raw, malformed
from workers.consuming.retention import OvertakenError, answers
from workers.consuming.unforeseen import end_for
from workers.monitoring.progress import Progress

logger = logging.getLogger(__name__)

UNDECODABLE = (CorruptRecordException, UnsupportedCodecError)
"""Errors that come again however often the batch is fetched."""

PROBE_TIMEOUT_MS = 1000
"""How long Kafka may take to say that it is there, after a poll that failed."""

CLOSELY_S = 60.0
"""How long every record is read twice once one could not be decoded: it seldom comes alone."""

POLL_MS = 50
"""How long a poll waits for records while something else is due, or partitions are about to be given out;
records end it at once. Parked commands are due as often."""

POLL_QUIET_MS = 1000
"""The same while nothing is in hand: what is due then can wait as long, and an idle worker costs
little."""

ANOTHER_RELEASE = (
    "its consumer group has members of another release, which must not run beside this one: "
    "stop the workers of before, then start these"
)
"""Kafka lets nobody into a group that shares out its partitions in another way."""

ERROR_BACKOFF_S = 0.5
"""Pause after a poll that raised: Kafka is likely restarting."""


class CursorConsumer(GatheringConsumer):
    """A consumer with its own cursors.

    A poll that raises may have taken records from other partitions, which are never returned:
    after any error all partitions are set back to where the last error-free poll left them.
    """

    def __init__(
        self, *, hooks: Hooks, progress: Progress, skips: bool = True, **settings: Any
    ) -> None:
        """Go on behind a batch that cannot be decoded if it *skips*; else stop its partition."""
        super().__init__(hooks=hooks, closely=False, **settings)
        self._skips = skips
        self.skipped = Counter[str]()
        """Batches by topic that nobody could decode."""
        self.cursors: dict[TopicPartition, int] = {}
        self.undecodable: set[TopicPartition] = set()
        self.last_timestamps_ms: dict[tuple[str, int], int] = {}
        """Broker time of the last record taken, for the lag in seconds."""
        self._progress = progress
        """Of the worker that reads."""
        self._held: set[TopicPartition] = set()
        self._alone = asyncio.Lock()
        """Of a poll, or of a stay beside the reading."""
        self._watch = ReadingWatch(self)

    async def start(self) -> None:
        """Connect, and join the group; where it lets us not in, the first poll says so."""
        with suppress(InconsistentGroupProtocolError):
            await super().start()

    async def getmany(  # pyright: ignore[reportIncompatibleMethodOverride]
        self,
        *partitions: TopicPartition,
        timeout_ms: int = 0,
        max_records: int | None = None,
    ) -> Poll:
        """Return the next records, or nothing; raises only when the consumer was stopped."""
        del partitions, timeout_ms  # unfiltered, and as long as nothing else is due
        if self._progress.halt.is_set:
            await asyncio.sleep(ERROR_BACKOFF_S)
            return {}
        try:
            records = await self._poll(max_records)
        except (ConsumerStoppedError, asyncio.CancelledError):
            raise
        except OvertakenError as error:
            logger.error("%s", error)  # noqa: TRY400 - one clear line
            self._progress.fail(str(error))
        except KafkaError as error:
            await self._recover(error)  # it came while another was being dealt with
            return {}
        except Exception as error:  # noqa: BLE001 - what the framework would swallow
            end_for(error, what="a poll", progress=self._progress)
        else:
            return records
        await asyncio.sleep(ERROR_BACKOFF_S)
        return {}

    def asked_for(self) -> Collection[TopicPartition]:
        """Return the partitions that are read and not paused."""
        return (self.cursors.keys() & self.assignment()) - self.paused()

    async def _poll(self, max_records: int | None) -> Poll:
        if (reason := await self._watch.look()) is not None:
            self._progress.fail(reason)
            return {}
        async with self._alone:
            records = await self._read(max_records)
        if records is None:
            return {}
        if self._progress.waiting_for == "kafka":
            self._progress.advance()
        self._progress.joined = self.hooks.assigned
        if not records:
            await self.hooks.idle()
        return records

    async def _read(self, max_records: int | None) -> Poll | None:
        """Return what there is, or None where reading failed and has to go on elsewhere."""
        try:
            if self.hooks.reset_needed and self.hooks.assigned:
                await self._start_over()
            quiet = self.hooks.assigned and not self._progress.busy
            wait_ms = POLL_QUIET_MS if quiet else POLL_MS
            records = await self.gathered(wait_ms, max_records)
            if self.hooks.reset_needed:
                return None
            for tp, batch in records.items():
                self.last_timestamps_ms[tp.topic, tp.partition] = batch[-1].timestamp
            await self.settle_cursors(list(self.cursors))
        except UNDECODABLE as error:
            await self._look_closely(error)
        except OffsetOutOfRangeError as error:
            if (lost := await self.lost(self.cursors)) is not None:
                raise lost from error
            self._rewind()
        except NoOffsetForPartitionError:
            self._rewind()  # it was fetched before the start was known
        except KafkaError as error:
            await self._recover(error)
        else:
            return records
        return None

    async def committed_or_zero(self, tp: TopicPartition) -> int:
        """Return what the group has committed, also of a partition that is not ours."""
        return await self.committed(tp) or 0

    async def settle_cursors(self, places: Iterable[TopicPartition]) -> None:
        """Take in how far control records moved *places*; only between poll and next poll."""
        for tp in self.cursors.keys() & set(places):
            self.cursors[tp] = await self.position(tp)

    async def commit(self, offsets: Mapping[TopicPartition, int] | None = None) -> None:
        """Commit *offsets*, unless the process ends: records may have been dropped.

        Raises:
            KafkaError: They are not committed.
        """
        if self._progress.halt.is_set:
            raise KafkaError("this process ends")
        await super().commit(offsets)

    def set_paused(self, places: Iterable[TopicPartition]) -> None:
        """Stop reading *places*, and go on with whatever was held before but is not named."""
        wanted = {tp for tp in places if tp in self.cursors}
        assigned = self.assignment()
        resumed = (self._held - wanted - self.undecodable) & assigned
        if resumed:
            self.resume(*resumed)
        if paused := wanted & assigned:
            self.pause(*paused)
        self._held = wanted

    async def keep_membership(self) -> None:
        """Remain a member of the group without taking anything: a poll with all paused.

        What was fetched ahead is dropped, and fetched again from the cursors.
        """
        async with self._alone:
            if running := self.assignment() - self.paused():
                self.pause(*running)
            try:
                await self.checked_poll(timeout_ms=0)
            except ConsumerStoppedError:
                raise
            except KafkaError as error:
                logger.warning("a poll failed while waiting: %s", error)
            finally:
                # A pause drops what was fetched ahead, so nothing is lost and nothing is skipped.
                for tp in running & self.assignment():
                    self.resume(tp)
                    if tp in self.cursors:
                        self.seek(tp, self.cursors[tp])

    async def _start_over(self) -> None:
        """Seek every assigned partition to its committed offset, or to its start in a new group."""
        self.hooks.reset_needed = False
        try:
            assigned = self.assignment()
            cursors = await self.find_starts(assigned)
            if self.hooks.reset_needed or self.assignment() != assigned:
                self.hooks.reset_needed = True
                return
            for tp, offset in cursors.items():
                self.seek(tp, offset)
            if paused := self.paused():
                self.resume(*paused)
        except BaseException:
            self.hooks.reset_needed = True
            raise
        self.cursors = cursors
        self._held = set()
        self.undecodable = set()
        self._progress.degraded = None

    async def _recover(self, error: KafkaError) -> None:
        """Go back to the cursors, and wait a moment."""
        if isinstance(error, InconsistentGroupProtocolError):
            self._progress.fail(ANOTHER_RELEASE)
            return
        logger.warning("a poll failed, reading goes on at the last good place: %s", error)
        self._rewind()
        if await answers(self, timeout_ms=PROBE_TIMEOUT_MS):
            # Kafka is there, so it is this consumer that fails: no excuse for the watchdog, whose
            # clock goes on.
            self._progress.busy = True
            if self._progress.waiting_for == "kafka":
                self._progress.waiting_for = None
        else:
            self._progress.wait_for("kafka")
        await asyncio.sleep(ERROR_BACKOFF_S)

    async def _look_closely(self, error: KafkaError) -> None:
        """Fetch all again, so that what cannot be decoded is found and marked."""
        logger.warning("a poll failed, looking for what cannot be decoded: %s", error)
        if self.screen.closely:  # it was looked for, and nobody knows where it is
            self._progress.busy = True
            await asyncio.sleep(ERROR_BACKOFF_S)
        self.screen.look_closely(CLOSELY_S)
        self._rewind()

    def _rewind(self) -> None:
        for tp in self.cursors.keys() & self.assignment():
            self.seek(tp, self.cursors[tp])

    def goes_on(self, mark: Mark) -> bool:
        """Return whether to read on behind what *mark* says cannot be read."""
        return mark.ends and (self._skips or not mark.whole)

    def instead(self, record: ConsumerRecord[Any, Any], mark: Mark) -> Sequence[Raw]:
        """Return the record that ends as a dead letter."""
        if mark.whole:
            self.skipped[record.topic] += 1
            logger.error(
                "%s-%s cannot be decoded from offset %s to %s and is skipped, see its dead letter: %s",
                *(record.topic, record.partition, mark.first, mark.last, mark.reason),
            )
        return [malformed(record, mark)]

    def stopped(self, tp: TopicPartition, mark: Mark) -> Sequence[str]:
        """Pause *tp*, and say so; nothing is raised, as the others go on."""
        self.pause(tp)
        self.undecodable.add(tp)
        self._progress.degraded = f"{len(self.undecodable)} partitions cannot be decoded"
        logger.error(
            "%s-%s cannot be decoded from offset %s on and is paused; look at it with "
            "`accounts offsets skip`: %s",
            *(tp.topic, tp.partition, mark.first, mark.reason),
        )
        return ()
