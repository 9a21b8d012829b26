"""What one poll brought, as commands, their sealed fields judged."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from aiokafka import TopicPartition
from msgspec.structs import replace

from contracts.registration import Open, Register
from handlers.model.input_records import CommandRecord, Judged
from workers.batches.parsing import CommandParser
from workers.batches.unreadable import Unreadable, parsed
from workers.consuming.records import Raw


class Gate(Protocol):
    """Judges sealed passwords and claims off the loop."""

    async def verdicts(self, commands: Sequence[Open | Register]) -> Sequence[Judged]:
        """Return one verdict per command."""
        ...


YIELD_RECORDS = 100
"""How many records are parsed at a stretch, about a millisecond: lanes may be waiting for the loop."""


@dataclass(slots=True, kw_only=True)
class Taken:
    """What one poll brought."""

    records: Sequence[Raw]
    cursors: Mapping[TopicPartition, int]
    """Where the poll left every partition: later ones may move on before this one is decided."""
    commands: list[CommandRecord] = field(default_factory=list[CommandRecord])
    unreadable: list[Unreadable] = field(default_factory=list[Unreadable])
    count: int = field(init=False)
    """How many records it had."""

    def __post_init__(self) -> None:
        """Count."""
        self.count = len(self.records)

    def forget(self) -> None:
        """Let go of everything but the cursors, once others have it."""
        self.records = ()
        self.commands = []
        self.unreadable = []


class Intake:
    """Parses every record by itself: a bad one is a value beside the others."""

    def __init__(self, prefix: str, gate: Gate) -> None:
        self.parser = CommandParser(prefix)
        self._gate = gate

    async def read(self, records: Sequence[Raw], cursors: Mapping[TopicPartition, int]) -> Taken:
        """Return the commands of *records*, in order, and what cannot be read."""
        taken = Taken(records=records, cursors=cursors)
        sealed: dict[int, Open | Register] = {}
        for number, record in enumerate(records, start=1):
            if number % YIELD_RECORDS == 0:
                await asyncio.sleep(0)
            read = parsed(self.parser, record)
            if isinstance(read, Unreadable):
                taken.unreadable.append(read)
                continue
            command = read.command
            # `isinstance` of a model takes six times as long.
            if type(command) is Register or (
                type(command) is Open and command.sealed_claim is not None
            ):
                sealed[len(taken.commands)] = command
            taken.commands.append(read)
        if sealed:
            verdicts = await self._gate.verdicts(list(sealed.values()))
            for index, verdict in zip(sealed, verdicts, strict=True):
                taken.commands[index] = replace(taken.commands[index], judged=verdict)
        return taken
