"""P2, P3: what today's rules refuse moves nothing; what an earlier release recorded is answered as it was.

The fingerprints are those that the release before these rules recorded.
"""

from collections.abc import Mapping
from typing import Any

import orjson
import pytest

from contracts.problems import Problem, field_error
from contracts.topics import AUDIT_EVENTS, DEAD_LETTERS, DEPOSIT, RESULTS, UPDATE_PROFILE, TopicSpec
from handlers.model.input_records import CommandRecord
from tests.builders import NOON, an_account, an_outcome
from tests.ports.written import write
from tests.received import PREFIX
from tests.unit.raw import a_raw
from tests.unit.workers.ledger.engine_in_memory import EngineInMemory
from workers.batches.parsing import CommandParser
from workers.batches.unreadable import Unreadable
from workers.consuming.records import Raw

CHANGE: Mapping[str, Any] = {"command_id": "c-1", "username": "alice"}
TWICE = (
    b'{"command_id": "case-7", "username": "alice", "amount": "1.00", "currency": "USD", '
    b'"amount": "1000.00"}'
)
SIGNS = "\U0001d160" * 100
LONG = "a" * 65 + "@example.com"
ONCE_TAKEN: Mapping[str, tuple[TopicSpec, bytes, str, str, Problem]] = {
    name: (UPDATE_PROFILE, orjson.dumps({**CHANGE, field: value}), recorded, field, problem)
    for name, field, value, recorded, problem in (
        ("blank", "first_name", "\u3164", "256b69706b39b9bfcaa1151a21fd504a", Problem.BLANK),
        ("300 signs", "first_name", SIGNS, "ee1e89c66747e7ea998d1df5385b0761", Problem.TOO_LONG),
        ("0", "date_of_birth", "0", "dcb85fe13dddd08c977631e541108d14", Problem.NOT_A_DATE),
        (
            *("-86400", "date_of_birth", "-86400"),
            *("94ead9f1aa6ebc581d31e5011fadf687", Problem.NOT_A_DATE),
        ),
        (
            *("seconds", "date_of_birth", "946684800"),
            *("0d10fbf1cc9c6c3907a79c4cbb9bff2b", Problem.NOT_A_DATE),
        ),
        (
            *("milliseconds", "date_of_birth", "946684800000"),
            *("0d10fbf1cc9c6c3907a79c4cbb9bff2b", Problem.NOT_A_DATE),
        ),
        (
            *("the last day", "date_of_birth", "9999-12-31"),
            *("5eeb79e19eeccf872a2a2afb4d8703da", Problem.DATE_IN_FUTURE),
        ),
        (
            *("a local number", "phone", "+15550123"),
            *("8c0dba6ba1886831e126e6131173d407", Problem.NOT_A_PHONE_NUMBER),
        ),
        (
            *("another", "phone", "+4930"),
            *("03712139a64f01a1dd421d0eef737222", Problem.NOT_A_PHONE_NUMBER),
        ),
        (
            *("65 before the @", "email", LONG),
            *("6359be690fd22e2b119857fda323c9ee", Problem.NOT_AN_EMAIL),
        ),
    )
} | {
    "a name twice": (
        *(DEPOSIT, TWICE, "fd22222843054a6c909a11de87b5edab"),
        *("record", Problem.NAME_REPEATED),
    )
}
EACH = pytest.mark.parametrize("case", ONCE_TAKEN)


def record(case: str, offset: int = 7) -> Raw:
    topic, value, *_ = ONCE_TAKEN[case]
    return a_raw(topic=topic, value=value, offset=offset)


def read(case: str) -> CommandRecord:
    found = CommandParser(PREFIX).parse(record(case))
    assert isinstance(found, CommandRecord)
    return found


@pytest.fixture
async def in_memory() -> EngineInMemory:
    in_memory = EngineInMemory()
    account = an_account()
    await write(in_memory.ledger, accounts=[account])
    await in_memory.ledger.sign_off(account.writer, at=NOON)
    return in_memory


@EACH
def test_is_told_from_another_content_as_it_was_then(case: str) -> None:
    assert read(case).fingerprint.hex() == ONCE_TAKEN[case][2]


@EACH
async def test_answers_as_recorded(in_memory: EngineInMemory, case: str) -> None:
    found = read(case)
    outcome = an_outcome(
        command_id=found.command.command_id, type=found.type, fingerprint=found.fingerprint
    )
    await write(in_memory.ledger, outcomes=[outcome])
    before = await in_memory.stored()

    await in_memory.take(record(case))
    await in_memory.all_done()

    [result] = in_memory.said(RESULTS)
    assert (result["status"], result["duplicate"]) == ("accepted", True)
    assert in_memory.said(DEAD_LETTERS) == []
    assert await in_memory.stored() == before


@EACH
async def test_is_refused_where_nothing_was(in_memory: EngineInMemory, case: str) -> None:
    _, _, _, field, problem = ONCE_TAKEN[case]
    before = await in_memory.stored()

    await in_memory.take(record(case))
    await in_memory.all_done()

    [result] = in_memory.said(RESULTS)
    assert result["error"]["code"] == "invalid_command"
    assert result["error"]["errors"] == [field_error(field, problem)]
    assert in_memory.publisher.records[-1].topic == PREFIX + DEAD_LETTERS.name
    assert in_memory.said(AUDIT_EVENTS) == []
    assert await in_memory.stored() == before


@pytest.mark.parametrize(
    "field", [{"email": "a" * 1_000_000}, {"first_name": "x" * 1_000_000}, {"phone": "1" * 17}]
)
def test_is_nothing_that_no_release_took(field: Mapping[str, str]) -> None:
    """Bounded as it was: what is gathered for a cycle fits into one question."""
    found = CommandParser(PREFIX).parse(a_raw({**CHANGE, **field}, UPDATE_PROFILE))

    assert isinstance(found, Unreadable)
    assert found.reason == f"{next(iter(field))}: too_long"


@EACH
async def test_leaves_its_id_free(in_memory: EngineInMemory, case: str) -> None:
    mended = {**CHANGE, "command_id": read(case).command.command_id, "first_name": "Zo\u00eb"}

    await in_memory.take(record(case))
    await in_memory.take(a_raw(mended, UPDATE_PROFILE, offset=8))
    await in_memory.all_done()

    assert [body["status"] for body in in_memory.said(RESULTS)] == ["rejected", "accepted"]


@EACH
async def test_is_a_conflict_where_another_content_was_recorded(
    in_memory: EngineInMemory, case: str
) -> None:
    await write(in_memory.ledger, outcomes=[an_outcome(command_id=read(case).command.command_id)])

    await in_memory.take(record(case))
    await in_memory.all_done()

    [result] = in_memory.said(RESULTS)
    assert result["error"]["code"] == "command_id_conflict"
