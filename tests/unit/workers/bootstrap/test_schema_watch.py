"""A process follows the data's schema number, says that it runs, and ends where it cannot read on."""

from typing import Any

import pytest

from handlers.model.corrupt import CorruptDocument
from handlers.model.schema import NEWEST
from storage.mongo.data_schema import readable
from storage.ports.data_schema import RunningProcess
from storage.ports.errors import (
    CommitUnknownError,
    CorruptDocumentError,
    LostRaceError,
    NewerDataError,
    StoreUnavailableError,
)
from workers.bootstrap import schema_watch
from workers.bootstrap.schema_watch import SchemaWatch, this_process
from workers.monitoring.halt import Halt
from workers.monitoring.metrics import Metrics

DAMAGED = CorruptDocumentError(
    CorruptDocument(collection="schema", id="data", username="", field="number")
)


class Schema:
    """Data whose number a test changes; fails as it is told to, each time once."""

    def __init__(self) -> None:
        self.number = NEWEST
        self.problems: list[Exception] = []
        self.on_announcing: list[Exception] = []
        self.said: list[tuple[str, int]] = []
        self.gone = False

    async def check(self) -> int:
        self._fail()
        return readable(self.number)

    async def announce(self, process: RunningProcess) -> int:
        if self.on_announcing:
            raise self.on_announcing.pop(0)
        self.said.append(("announced", process.writes))
        return self.number

    async def beat(self, process: RunningProcess) -> bool:
        self._fail()
        self.said.append(("beat", process.writes))
        return not self.gone

    async def leave(self, process: RunningProcess) -> None:
        self._fail()
        self.said.append(("left", process.writes))

    def _fail(self) -> None:
        if self.problems:
            raise self.problems.pop(0)


@pytest.fixture
def schema() -> Schema:
    return Schema()


@pytest.fixture
def halt() -> Halt:
    return Halt()


@pytest.fixture
def watch(schema: Schema, halt: Halt, monkeypatch: pytest.MonkeyPatch) -> SchemaWatch:
    """Return a watch that looks, and tries, without a pause."""
    monkeypatch.setattr(schema_watch, "LOOK_S", 0)
    monkeypatch.setattr(schema_watch, "AGAIN_S", 0)
    data: Any = schema
    return SchemaWatch(data, this_process(["query", "ledger"]), halt, Metrics())


def test_a_process_says_what_it_is() -> None:
    process = this_process(["query", "ledger"])

    assert process.roles == ("ledger", "query")
    assert process.newest == NEWEST
    assert process.id != this_process(["ledger"]).id


async def test_who_starts_says_so_however_many_start(watch: SchemaWatch, schema: Schema) -> None:
    await watch.check()
    schema.on_announcing = [LostRaceError("another"), CommitUnknownError("no answer")]

    await watch.announce()

    assert schema.said == [("announced", NEWEST)]


async def test_who_never_gets_in_does_not_start(watch: SchemaWatch, schema: Schema) -> None:
    schema.on_announcing = [LostRaceError("another")] * schema_watch.ANNOUNCEMENTS_MAX

    with pytest.raises(StoreUnavailableError):
        await watch.announce()


async def test_who_starts_on_newer_data_does_not(
    watch: SchemaWatch, schema: Schema, halt: Halt
) -> None:
    schema.number = NEWEST + 1

    with pytest.raises(NewerDataError):
        await watch.announce()

    assert "start that one" in str(halt.reason)


async def test_an_upgrade_past_it_ends_it(watch: SchemaWatch, schema: Schema, halt: Halt) -> None:
    await watch.announce()
    schema.number = NEWEST + 1

    await watch.run()

    assert "start that one" in str(halt.reason)


async def test_it_beats_seldom_and_looks_often(watch: SchemaWatch, schema: Schema) -> None:
    await watch.announce()

    for _ in range(5):
        await watch.look()

    assert [what for what, _ in schema.said] == ["announced"]


async def test_what_it_writes_is_said_at_once(watch: SchemaWatch, schema: Schema) -> None:
    schema.number = NEWEST
    await watch.check()

    await watch.look()

    assert schema.said == [("beat", NEWEST)]


async def test_gone_it_announces_itself_again(watch: SchemaWatch, schema: Schema) -> None:
    await watch.check()
    schema.gone = True

    await watch.look()

    assert [what for what, _ in schema.said] == ["beat", "announced"]


async def test_a_store_that_is_away_is_waited_for(
    watch: SchemaWatch, schema: Schema, halt: Halt
) -> None:
    schema.problems = [StoreUnavailableError("away"), LostRaceError("race")]

    assert [await watch.goes_on() for _ in range(3)] == [True] * 3

    assert schema.said == [("beat", NEWEST)]
    assert not halt.is_set


async def test_a_number_that_is_damaged_degrades_and_stops_nobody(
    watch: SchemaWatch, schema: Schema, halt: Halt
) -> None:
    probe = watch.probe()
    schema.problems = [DAMAGED]

    assert await watch.goes_on()

    with pytest.raises(StoreUnavailableError, match="schema data: number"):
        await probe.ask()
    assert await watch.goes_on()
    await probe.ask()
    assert not halt.is_set
    assert not probe.required
    assert probe.facts() == {"data": NEWEST, "newest": NEWEST}


async def test_it_leaves_whether_the_store_listens_or_not(
    watch: SchemaWatch, schema: Schema
) -> None:
    schema.problems = [StoreUnavailableError("away")]

    await watch.leave()
    await watch.leave()

    assert [what for what, _ in schema.said] == ["left"]
