"""`accounts trial-balance` is green only where all was counted and comes to zero."""

import json
from collections.abc import Callable
from contextlib import nullcontext

import pytest
from msgspec.structs import replace

from cli.app import main
from cli.commands import trial_balance
from handlers.history.trial_balance import Totals
from handlers.model.corrupt import CorruptDocument
from storage.mongo.client import MongoClient
from storage.ports.errors import NotMeasuredError

BALANCED = Totals(
    users_minor={("USD", 2): 1025},
    houses_minor={("external", "USD", 2): -1025},
    accounts=1,
    not_booked=2,
    unreadable=0,
    corrupt=[],
)
A_ROW = CorruptDocument(collection="houses", id="w:0", username="house:external", field="sum")


class Books:
    """Says what it was told to, or fails so."""

    def __init__(self, found: Totals | Exception) -> None:
        self._found = found

    async def totals(self) -> Totals:
        if isinstance(self._found, Exception):
            raise self._found
        return self._found


@pytest.fixture
def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str]]:
    def ran(found: Totals | Exception, *arguments: str) -> tuple[int, str]:
        def books(_client: MongoClient) -> Books:
            return Books(found)

        monkeypatch.setattr(trial_balance, "MongoHouses", books)
        monkeypatch.setattr(trial_balance, "open_store", nullcontext)
        with pytest.raises(SystemExit) as ended:
            main(["trial-balance", *arguments])
        return int(ended.value.code or 0), capsys.readouterr().out

    return ran


def test_both_sides_and_their_difference(run: Callable[..., tuple[int, str]]) -> None:
    code, said = run(BALANCED)

    assert code == 0
    assert said.splitlines()[1].split() == ["USD", "10.25", "-10.25", "0.00"]
    assert "come to zero" in said


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"users_minor": {("USD", 2): 1026}}, "USD: 0.01 more than there should be"),
        ({"users_minor": {}}, "USD: 10.25 less than there should be"),
        ({"unreadable": 1}, "1 accounts cannot be counted: accounts verify names them"),
        ({"corrupt": [A_ROW]}, "houses w:0: sum is missing or wrong"),
    ],
)
def test_what_is_wrong_is_named(
    run: Callable[..., tuple[int, str]], changed: dict[str, object], problem: str
) -> None:
    wrong = replace(BALANCED, **changed)

    assert problem in run(wrong)[1]
    code, said = run(wrong, "--output", "json")
    assert (code, json.loads(said)["problems"]) == (1, [problem])


def test_what_was_not_measured_is_never_green(run: Callable[..., tuple[int, str]]) -> None:
    gone = NotMeasuredError("the moment is not kept")

    assert run(gone) == (2, "not measured: the moment is not kept\n")
    code, said = run(gone, "--output", "json")
    assert (code, json.loads(said)) == (2, {"measured": False, "reason": "the moment is not kept"})
