"""P10: our own failure to read one record costs that record only, and says nothing of it."""

import logging
from collections.abc import Sequence

import pytest

from contracts import topics
from contracts.codes import Code
from contracts.registration import Open, Register
from handlers.model.input_records import CommandRecord, Judged
from tests.received import SEALED
from tests.unit.raw import DEPOSIT_BODY, OPEN_BODY, REGISTER_BODY, UPDATE_BODY, a_raw
from workers.batches.parsing import CommandParser
from workers.batches.unreadable import Unreadable
from workers.consuming.records import Raw
from workers.ledger.intake import Intake


class NoGate:
    async def verdicts(self, commands: Sequence[Open | Register]) -> Sequence[Judged]:
        return [Judged() for _ in commands]


class CountingGate:
    """Remembers what it was asked about, and says which it was."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def verdicts(self, commands: Sequence[Open | Register]) -> Sequence[Judged]:
        self.asked += [each.command_id for each in commands]
        return [Judged(voucher=each.command_id) for each in commands]


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


async def test_only_what_is_sealed_is_judged_each_by_itself() -> None:
    gate = CountingGate()
    bodies = [
        (topics.OPEN, OPEN_BODY),
        (topics.OPEN, {**OPEN_BODY, "sealed_claim": SEALED}),
        (topics.DEPOSIT, DEPOSIT_BODY),
        (topics.REGISTER, REGISTER_BODY),
        (topics.UPDATE_PROFILE, UPDATE_BODY),
    ]
    records = [
        a_raw({**body, "command_id": f"c-{number}"}, topic)
        for number, (topic, body) in enumerate(bodies)
    ]

    taken = await Intake("accounts.", gate).read(records, {})

    assert gate.asked == ["c-1", "c-3"]
    vouchers = [each.judged.voucher for each in taken.commands]
    assert vouchers == [None, "c-1", None, "c-3", None]
