"""Records of one cycle to commands, behind what was parked, each password judged."""

import logging
from collections.abc import Sequence
from typing import Protocol

from msgspec.structs import replace

from contracts.codes import Code
from contracts.registration import Register
from handlers.received import Received
from workers.consuming.records import Raw
from workers.ledger.parsing import Parser, Unreadable

logger = logging.getLogger(__name__)


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
            parsed = self._parsed(record)
            if isinstance(parsed, Unreadable):
                unreadable.append(parsed)
                continue
            if isinstance(parsed.command, Register):
                registers[len(commands)] = parsed.command
            commands.append(parsed)
        if registers:
            verdicts = await self._gate.verdicts(list(registers.values()))
            for index, verdict in zip(registers, verdicts, strict=True):
                if verdict is not None:
                    commands[index] = replace(commands[index], password_problem=verdict)
        return commands, unreadable

    def _parsed(self, record: Raw) -> Received | Unreadable:
        try:
            return self.parser.parse(record)
        except Exception as error:  # noqa: BLE001 - our bug in one record must not stop the others
            # Without the message: it may repeat what was sent.
            place = (record.topic, record.partition, record.offset)
            logger.error("%s-%s@%s cannot be parsed: %s", *place, type(error).__name__)  # noqa: TRY400
            return Unreadable(
                record=record,
                topic=self.parser.topic(record),
                code=Code.INTERNAL_ERROR,
                reason="the service failed to read this record; its operators are alerted",
            )
