"""P10: our own failure to read one record costs that record only, and says nothing of it."""

import logging
from collections.abc import Sequence

import pytest

from contracts.codes import Code
from contracts.registration import Open, Register
from handlers.model.input_records import CommandRecord, Judged
from tests.unit.raw import a_raw
from workers.batches.parsing import CommandParser
from workers.batches.unreadable import Unreadable
from workers.consuming.records import Raw
from workers.ledger.intake import Intake


class NoGate:
    async def verdicts(self, commands: Sequence[Open | Register]) -> Sequence[Judged]:
        return [Judged() for _ in commands]


class FailingParser(CommandParser):
    """Fails on every record at an odd offset."""

    def parse(self, record: Raw) -> CommandRecord | Unreadable:
        if record.offset % 2:
            raise OverflowError("hunter2")
        return super().parse(record)


async def test_a_record_that_fails_the_parser_does_not_stop_the_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    intake = Intake("accounts.", NoGate())
    intake.parser = FailingParser("accounts.")

    with caplog.at_level(logging.DEBUG):
        taken = await intake.read([a_raw(offset=1), a_raw(offset=2)], {})

    [problem] = taken.unreadable
    assert [command.source.offset for command in taken.commands] == [2]
    assert (problem.code, problem.record.offset) == (Code.INTERNAL_ERROR, 1)
    assert "hunter2" not in caplog.text
