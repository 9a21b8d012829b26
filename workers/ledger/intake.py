"""What one poll brought, as commands, each password judged."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from aiokafka import TopicPartition
from msgspec.structs import replace

from contracts.registration import Register
from handlers.model.input_records import CommandRecord, Judged
from workers.batches.parsing import CommandParser
from workers.batches.unreadable import Unreadable, parsed
from workers.consuming.records import Raw


class Gate(Protocol):
    """Judges sealed passwords off the loop."""

    async def verdicts(self, registers: Sequence[Register]) -> Sequence[Judged]:
        """Return one verdict per registration."""
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
        registers: dict[int, Register] = {}
        for number, record in enumerate(records, start=1):
            if number % YIELD_RECORDS == 0:
                await asyncio.sleep(0)
            read = parsed(self.parser, record)
            if isinstance(read, Unreadable):
                taken.unreadable.append(read)
                continue
            if type(read.command) is Register:  # `isinstance` of a model takes six times as long
                registers[len(taken.commands)] = read.command
            taken.commands.append(read)
        if registers:
            verdicts = await self._gate.verdicts(list(registers.values()))
            for index, verdict in zip(registers, verdicts, strict=True):
                taken.commands[index] = replace(
                    taken.commands[index],
                    password_problem=verdict.problem,
                    voucher=verdict.voucher,
                )
        return taken
