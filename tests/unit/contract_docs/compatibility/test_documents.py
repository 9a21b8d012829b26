"""Each change of today's contract that breaks somebody is told, in one sentence, and no other is."""

import json
from pathlib import Path

import pytest

from contract_docs.compatibility import __main__ as program
from contract_docs.compatibility.documents import breaks
from contract_docs.document import document, to_yaml
from contracts.published import KNOWN_VALUES
from tests.places import REPOSITORY
from tests.unit.contract_docs.compatibility.breaking import BREAKING, EVENT, LIST, REFUSED
from tests.unit.contract_docs.compatibility.changes import (
    Change,
    a_closed_list,
    a_longer_closed_list,
    as_map_by_pattern,
    as_options,
    having,
    optional,
    with_field,
    without_option,
)

TODAY = document()
AS_JSON = json.dumps(TODAY)
RELEASED = REPOSITORY / "contracts" / "released" / "asyncapi.yaml"

HARMLESS: dict[str, tuple[Change, bool]] = {
    "a new optional input": (with_field("Deposit", "purpose"), False),
    "an input becomes optional": (optional("Deposit", "amount"), False),
    "an input takes more": (having("ListTransactions", "limit", maximum=500), False),
    "an input takes one more of a list": (
        having("ListTransactions", "order", enum=["newest", "oldest", "largest"]),
        False,
    ),
    "an input takes a provably wider pattern": (
        having("Deposit", "username", pattern="^[A-Za-z0-9][ -~]{0,127}$"),
        False,
    ),
    "an input takes null": (without_option("UpdateProfile", "phone"), True),
    "a text or null, said as two options": (as_options("UpdateProfile", "phone"), False),
    "a text or null, said as two types": (as_options("UpdateProfile", "phone"), True),
    "a new field of an event": (with_field("BalanceChangedV1", "source"), False),
    "a field of an event is always there": (optional("BalanceChangedV1", "held"), True),
    "a known value more": (
        having(
            "BalanceChangedV1", "kind", **{KNOWN_VALUES: ["deposited", "withdrawn", "reversed"]}
        ),
        False,
    ),
    "a bound for what we publish": (having("BalanceChangedV1", "sequence", minimum=5), False),
    "a provably narrower pattern of an event": (
        having("BalanceChangedV1", "currency", pattern="^[A-Z]{3}$"),
        False,
    ),
    "a map said by a pattern": (as_map_by_pattern, False),
    "a map said by its names": (as_map_by_pattern, True),
    "another description": (having("Deposit", "amount", description="Money."), False),
    "another version": (lambda document: document["info"].update(version="9.0.0"), False),
}


def said(change: Change, *, backwards: bool = False) -> list[str]:
    """Return what is said of *change*, or of taking it back."""
    changed = json.loads(AS_JSON)
    change(changed)
    old, new = (changed, TODAY) if backwards else (TODAY, changed)
    return [each.sentence for each in breaks(old, new)]


class TestBreaks:
    @pytest.mark.parametrize(("change", "sentences"), BREAKING.values(), ids=BREAKING)
    def test_are_told_in_one_sentence_each(self, change: Change, sentences: list[str]) -> None:
        assert said(change) == sentences

    @pytest.mark.parametrize(("change", "backwards"), HARMLESS.values(), ids=HARMLESS)
    def test_are_not_what_only_becomes_more(
        self,
        change: Change,
        backwards: bool,  # noqa: FBT001
    ) -> None:
        assert said(change, backwards=backwards) == []

    def test_are_told_of_a_closed_list_that_gains_a_value(self) -> None:
        closed, longer = json.loads(AS_JSON), json.loads(AS_JSON)
        a_closed_list(closed)
        a_longer_closed_list(longer)

        assert [each.sentence for each in breaks(closed, longer)] == [
            f"{EVENT}, `kind`: it may be `reversed` now, which its closed list did not have."
        ]
        assert breaks(longer, closed) == []

    def test_are_told_of_a_closed_list_that_is_opened(self) -> None:
        [sentence] = said(a_closed_list, backwards=True)

        assert sentence == (
            f"{EVENT}, `kind`: it may be something else than `deposited`, `withdrawn` now."
        )


class TestProgram:
    def test_finds_nothing_of_the_released_contract_broken(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        code = program.main(RELEASED)

        assert (code, capsys.readouterr().err) == (0, "")

    def test_fails_with_the_sentences(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        released = json.loads(AS_JSON)
        with_field("BalanceChangedV1", "fee", required=True)(released)
        having("ListTransactions", "limit", maximum=1000)(released)
        (tmp_path / "asyncapi.yaml").write_text(to_yaml(released))

        code = program.main(tmp_path / "asyncapi.yaml")

        assert code == 1
        assert capsys.readouterr().err.splitlines()[:-1] == [
            f"{LIST}, `limit`: its largest number was 1000 and is 200, {REFUSED}.",
            f"{EVENT}, `fee`: it is gone.",
        ]
