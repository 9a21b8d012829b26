"""Records of one cycle to commands, behind what was parked, each password judged."""

from collections.abc import Sequence
from typing import Protocol

from msgspec.structs import replace

from contracts.codes import Code
from contracts.registration import Register
from handlers.received import Received
from workers.consuming.records import Raw
from workers.consuming.unreadable import Unreadable, parsed
from workers.ledger.parsing import Parser


class Gate(Protocol):
    """Judges sealed passwords off the loop."""

    async def verdicts(self, registers: Sequence[Register]) -> Sequence[Code | None]:
        """Return one verdict per registration: why its password is refused, or nothing."""
        ...


class Intake:
    """Parses every record by itself: a bad one is a value beside the others."""

    def __init__(self, prefix: str, gate: Gate) -> None:
        self.parser = Parser(prefix)
        self._gate = gate

    async def read(
        self, parked: Sequence[Received], records: Sequence[Raw]
    ) -> tuple[Sequence[Received], Sequence[Unreadable]]:
        """Return *parked* and the commands of *records*, in order, and what cannot be read."""
        commands = list(parked)
        unreadable: list[Unreadable] = []
        registers: dict[int, Register] = {}
        for record in records:
            read = parsed(self.parser, record)
            if isinstance(read, Unreadable):
                unreadable.append(read)
                continue
            if isinstance(read.command, Register):
                registers[len(commands)] = read.command
            commands.append(read)
        if registers:
            verdicts = await self._gate.verdicts(list(registers.values()))
            for index, verdict in zip(registers, verdicts, strict=True):
                if verdict is not None:
                    commands[index] = replace(commands[index], password_problem=verdict)
        return commands, unreadable
