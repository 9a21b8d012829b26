"""`accounts schema` shows who runs, and upgrades past nobody who could not read on."""

import json
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import pytest

from cli.app import main
from cli.commands import schema
from handlers.model.schema import NEWEST
from storage.ports.data_schema import (
    DataState,
    ProcessesBehindError,
    RunningProcess,
    SchemaUpgrade,
)
from storage.ports.errors import CommitUnknownError, LostRaceError
from tests.builders import NOON

NEXT = NEWEST + 1
OLD = RunningProcess(
    id="one", release="0.2.0", host="a-host", pid=41, roles=("ledger",), started_at=NOON
)
NEW = replace(OLD, id="two", release="0.3.0", pid=42, newest=NEXT, silent_s=3.2)
Run = Callable[..., tuple[int, str, str]]


class Data:
    """Data of the number before this release's, on which some processes run."""

    def __init__(self, *processes: RunningProcess, problems: tuple[Exception, ...] = ()) -> None:
        self.found = DataState(number=NEWEST, processes=processes)
        self.problems = list(problems)

    def __call__(self, _client: object) -> "Data":
        return self

    async def number(self) -> int:
        return self.found.number

    async def state(self) -> DataState:
        return self.found

    async def upgrade(self, upgrade: SchemaUpgrade) -> None:
        if self.problems:
            raise self.problems.pop(0)
        assert not self.found.behind(upgrade.after)
        followed = [replace(one, writes=upgrade.after) for one in self.found.processes]
        self.found = DataState(number=upgrade.after, upgrades=[upgrade], processes=followed)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return what runs `accounts schema` of a release that writes `NEXT`."""

    def ran(data: Data, *arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(schema, "MongoDataSchema", data)
        monkeypatch.setattr(schema, "open_store_without_accounts", nullcontext)
        monkeypatch.setattr(schema, "NEWEST", NEXT)
        with pytest.raises(SystemExit) as ended:
            main(["schema", *arguments])
        said, problem = capsys.readouterr()
        return int(ended.value.code or 0), said, problem

    return ran


def test_who_runs_is_shown(run: Run) -> None:
    code, said, _ = run(Data(OLD, NEW), "show")

    assert code == 0
    assert ["a-host", "41", "0.2.0", "ledger", f"1-{NEWEST}"] == said.splitlines()[1].split()[:5]
    assert "3 s ago" in said.splitlines()[2]
    assert f"the data has schema {NEWEST}" in said
    assert "accounts schema upgrade" in said


def test_nobody_who_runs_is_said(run: Run) -> None:
    assert "no process runs" in run(Data(), "show")[1]


def test_an_upgrade_is_kept_with_who_did_it(run: Run) -> None:
    data = Data(NEW)

    code, said, _ = run(data, "upgrade", "--yes", "--actor", "somebody")

    assert code == 0
    assert f"✓ the data has schema {NEXT}; the process that runs writes it" in said
    assert f"from schema {NEWEST} to {NEXT}" in run(data, "show")[1]
    assert "somebody" in run(data, "show")[1]
    assert "last of this release" in run(data, "upgrade", "--yes")[1]


def test_who_could_not_read_on_is_named_and_nothing_changed(run: Run) -> None:
    data = Data(OLD, NEW)

    code, _, problem = run(data, "upgrade", "--yes")

    assert code == 1
    assert (
        f"accounts 0.2.0 on a-host, process 41 (ledger) reads no schema above {NEWEST}" in problem
    )
    assert "process 42" not in problem
    assert data.found.number == NEWEST


def test_who_comes_at_the_last_moment_is_named_too(run: Run) -> None:
    data = Data(NEW, problems=(LostRaceError("one came"), ProcessesBehindError([OLD])))

    code, _, problem = run(data, "upgrade", "--yes")

    assert (code, data.found.number) == (1, NEWEST)
    assert "process 41" in problem


@pytest.mark.parametrize(
    ("problems", "said"),
    [
        ((LostRaceError("one came"),) * schema.TRIES, "run it again"),
        ((CommitUnknownError("no answer"),), "accounts schema show"),
    ],
)
def test_what_went_wrong_says_what_to_do(
    run: Run, problems: tuple[Exception, ...], said: str
) -> None:
    code, _, problem = run(Data(NEW, problems=problems), "upgrade", "--yes")

    assert code == 2
    assert said in problem


@pytest.mark.parametrize("arguments", [("--dry-run",), ()])
def test_nothing_happens_unless_it_is_wanted(run: Run, arguments: tuple[str, ...]) -> None:
    data = Data(NEW)

    code, said, problem = run(data, "upgrade", *arguments)

    assert data.found.number == NEWEST
    assert f"From schema {NEWEST} to {NEXT}" in said
    assert (code == 0) is bool(arguments), problem


def test_programs_get_all_of_it(run: Run) -> None:
    _, said, _ = run(Data(NEW), "upgrade", "--yes", "--output", "json")

    record: dict[str, Any] = json.loads(said)
    assert (record["was"], record["schema"], record["newest"]) == (NEWEST, NEXT, NEXT)
    assert record["processes"][0]["writes"] == NEXT
    assert record["upgrades"][0]["after"] == NEXT
