"""P4: a failure that nobody foresaw, at whichever awaited call, loses nothing and doubles nothing."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from contracts.topics import WITHDRAW
from handlers.model.input_records import CommandRecord
from handlers.wire.announcing import Announced, announce
from handlers.wire.rendering import Rendering
from tests.received import PREFIX
from tests.simulation.network import UnforeseenError
from tests.unit.workers.bootstrap.simulated_process import (
    Tripwire,
    lived,
)
from tests.unit.workers.bootstrap.unforeseen_histories import (
    CredentialHistory,
    LedgerHistory,
    RequestHistory,
    said_of,
)
from workers.batches.parsing import CommandParser
from workers.batches.unreadable import Unreadable
from workers.consuming.records import Raw
from workers.credentials.hashing import LowPriorityPool
from workers.ledger.conclude import guarded
from workers.monitoring.error_places import places

CALLS_MAX = 400
"""Awaited calls of one history; each is made to fail in a run of its own."""


@pytest.fixture(scope="module")
def pool() -> Iterator[LowPriorityPool]:
    """Yield threads that hash."""
    pool = LowPriorityPool("hashing", 1)
    yield pool
    pool.close()


@pytest.fixture(params=["ledger", "requests", "credentials"])
def history(request: pytest.FixtureRequest, tmp_path: Path, pool: LowPriorityPool) -> Any:
    """Return records for each reader in turn."""
    match request.param:
        case "ledger":
            return LedgerHistory()
        case "requests":
            return RequestHistory()
        case _:
            return CredentialHistory(tmp_path / "keys", pool)


async def test_loses_and_doubles_nothing_wherever_it_strikes(history: Any) -> None:
    """Every awaited call of the history fails once, before it did anything or after."""
    struck: list[str] = []
    for at in range(1, CALLS_MAX):
        topics, trip = await history.start_over(), Tripwire(at)

        member = await lived(topics, trip, history.start)
        if member.progress.halt.is_set:
            await lived(topics, Tripwire(), history.start)

        await history.check(topics)
        if trip.tripped is None:
            break
        struck.append(trip.tripped)
    else:
        pytest.fail("the history has more awaited calls than are tried")
    assert len(struck) > 10, struck


@pytest.mark.parametrize("where", ["parse", "announce"])
async def test_a_record_that_fails_alone_costs_itself_only(
    where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bug in one record's parsing or rendering is a dead letter; the others are answered."""
    parse = CommandParser.parse

    def fail(self: CommandParser, record: Raw) -> CommandRecord | Unreadable:
        if where == "parse" and record.topic.endswith(WITHDRAW.name) and record.offset == 0:
            raise UnforeseenError
        return parse(self, record)

    def refuse(received: CommandRecord, rendering: Rendering, *, new: bool) -> Announced:
        if where == "announce" and received.command.command_id == "w-1":
            raise UnforeseenError
        return announce(received, rendering, new=new)

    monkeypatch.setattr(CommandParser, "parse", fail)
    history = LedgerHistory(partial(guarded, announce=refuse))
    topics = await history.start_over()

    member = await lived(topics, Tripwire(), history.start)

    assert not member.progress.halt.is_set
    letters = [each for each in topics.published if each.topic == f"{PREFIX}dead-letters"]
    assert [dict(each.headers)["dlq_code"] for each in letters] == [b"internal_error"]
    accepted = [name for name, (status, _) in said_of(topics).items() if status == "accepted"]
    assert len(accepted) == 12
    carol = await history.ledger.account("carol")
    assert carol is not None
    assert carol.sequence == 3, "what cannot be said is not stored"


def test_the_log_names_what_a_group_holds_and_no_text() -> None:
    def fail() -> None:
        raise UnforeseenError(secret)

    secret = "canary"
    try:
        try:
            fail()
        except UnforeseenError as cause:
            raise ExceptionGroup(secret, [KeyError(secret), cause]) from cause
    except ExceptionGroup as group:
        said = places(group)

    else:
        said = ""
    assert all(name in said for name in ("ExceptionGroup", "KeyError", "UnforeseenError"))
    assert "in fail" in said
    assert secret not in said
