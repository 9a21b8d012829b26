"""The ledger worker in memory: one command at a time, by the rules and through the code of the real one."""

import asyncio
from collections.abc import Callable, Collection
from datetime import datetime

from contracts.commands import command_name
from handlers.ledger.finality import ReadPositions
from handlers.model.rules import Rules
from storage.memory.ledger import MemoryLedger
from workers.batches.outgoing_batch import OutgoingBatch
from workers.batches.writer_generation import WriterGeneration
from workers.clock import monotonic_s
from workers.config.ledger import LedgerOptions
from workers.consuming.records import Raw
from workers.kafka.topic_names import TopicNames
from workers.ledger.conclude import guarded
from workers.ledger.intake import Gate, Intake
from workers.ledger.lane import Lane, LaneDependencies
from workers.ledger.publication import Publication
from workers.monitoring.corrupt import CorruptDocuments
from workers.monitoring.metrics import Metrics

EVERYTHING_READ = ReadPositions(topics=(), clock_skew_ms=0, ours={})
"""Whatever was sent before a command has been decided: a refusal is final."""


class CommandsInMemory:
    """Decides commands as they come."""

    def __init__(
        self,
        ledger: MemoryLedger,
        gate: Gate,
        rules: Rules,
        prefix: str,
        metrics: Metrics,
        clock: Callable[[], datetime],
    ) -> None:
        self._intake = Intake(prefix, gate)
        self._names = TopicNames.under(prefix)
        self._clock = clock
        self._ledger = ledger
        self._metrics = metrics
        self._corrupt = CorruptDocuments(metrics)
        self._per_command = guarded(rules)
        self._generation = WriterGeneration()

    async def take(self, record: Raw) -> OutgoingBatch:
        """Decide the command in *record*; return what is published of it."""
        publication = Publication(
            names=self._names, group=LedgerOptions.group, read_at_s=monotonic_s()
        )
        taken = await self._intake.read([record], {})
        for problem in taken.unreadable:
            publication.add_unreadable(problem, command_name(problem.topic))
        lane = Lane(self._dependencies())
        for received in taken.commands:
            lane.users[received.command.username] = [received]
        await lane.run()
        publication.add_lane(lane)
        return publication

    def _dependencies(self) -> LaneDependencies:
        asked: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        asked.set_result(None)
        return LaneDependencies(
            ledger=self._ledger,
            per_command=self._per_command,
            corrupt=self._corrupt,
            metrics=self._metrics,
            generation=self._generation,
            signed_off=_nobody,
            acknowledged={},
            reading=lambda: EVERYTHING_READ,
            fetch_end_offsets=_nothing_to_ask,
            asked=asked,
            pause=_at_once,
            clock=self._clock,
        )


async def _nobody(_writers: Collection[str]) -> Collection[str]:
    return ()


async def _nothing_to_ask(_numbers: Collection[int]) -> None: ...


async def _at_once(_dependency: str | None, _tries: int) -> None: ...
