"""Whoever's document was changed in the store is judged by what is promised then, and everybody else as always."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from contracts.dead_letters import DlqHeader
from contracts.topics import DEAD_LETTERS, RESULTS
from tests.simulation import runs
from tests.simulation.checker.evidence import Evidence, Struck
from tests.simulation.checker.struck import unless_struck, verified
from tests.simulation.exhaustive import short_histories
from tests.simulation.history import Blow, Disturbance
from tests.simulation.test_checker import kept_by

AT_S = 0.5
"""Before some of the commands."""

STRUCK = Struck(username="alice", is_forged=False, collection="accounts", id="alice", number=9)


@pytest.fixture(params=[Blow.DAMAGED, Blow.FORGED])
def evidence(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Evidence:
    """What a history leaves behind in which somebody changes an account."""
    [sender] = short_histories()[0].senders
    units = tuple(replace(unit, pause_s=0.2) for unit in sender.units)
    blow = Disturbance(blow=request.param, at_s=AT_S, lasts_s=0, which=0)
    history = replace(
        short_histories()[0],
        senders=(replace(sender, units=units),),
        disturbances=(blow,),
    )
    return kept_by(monkeypatch, history)


def found_in(evidence: Evidence) -> set[str]:
    """Return which promises are broken."""
    found = [each for check in runs.CHECKS for each in check(evidence)]
    return {each.partition(":")[0] for each in unless_struck(evidence.struck, found)}


def struck_in(evidence: Evidence) -> Struck:
    """Return what was changed."""
    assert evidence.struck is not None
    return evidence.struck


def without(evidence: Evidence, *topics: str) -> Evidence:
    """Return *evidence* with nothing on these topics."""
    return replace(evidence, topics={**evidence.topics, **dict.fromkeys(topics, ())})


def test_nothing_is_wrong_at_first(evidence: Evidence) -> None:
    """And there are dead letters, which are wrong where nobody was struck."""
    assert evidence.dead
    assert found_in(evidence) == set()
    assert "P4" in found_in(replace(evidence, struck=None))


def test_finds_a_command_that_was_accepted_on_a_changed_account(evidence: Evidence) -> None:
    changed = replace(evidence, struck=replace(struck_in(evidence), number=0))

    assert found_in(changed) == {"P18"}


def test_finds_a_changed_account_that_was_written(evidence: Evidence) -> None:
    struck = struck_in(evidence)
    later = struck.number + 1, {"_id": "alice"}

    assert found_in(replace(evidence, struck=replace(struck, after=[later]))) == {"P18"}


def test_finds_a_command_of_the_struck_user_that_is_lost(evidence: Evidence) -> None:
    assert found_in(without(evidence, DEAD_LETTERS.name, RESULTS.name)) == {"P4"}


def test_finds_a_dead_letter_for_another_reason(evidence: Evidence) -> None:
    letters = [
        replace(each, headers=tuple(_with_another_code(each.headers)))
        for each in evidence.topics[DEAD_LETTERS.name]
    ]
    changed = replace(evidence, topics={**evidence.topics, DEAD_LETTERS.name: letters})

    assert found_in(changed) == {"P4"}


def _with_another_code(
    headers: tuple[tuple[str, bytes | None], ...],
) -> Iterator[tuple[str, bytes | None]]:
    for name, value in headers:
        yield name, b"internal_error" if name == DlqHeader.CODE else value


def test_finds_what_concerns_others(evidence: Evidence) -> None:
    others = replace(struck_in(evidence), username="bob", id="bob", number=1 << 40)

    assert "P4" in found_in(without(replace(evidence, struck=others), RESULTS.name))


@pytest.mark.parametrize(
    "finding", ["P5: b'alice': event 2 is missing", "P1: alice:c2 at 3 is late"]
)
def test_passes_over_what_concerns_the_struck_user(finding: str) -> None:
    assert unless_struck(STRUCK, [finding]) == []
    assert unless_struck(None, [finding]) == [finding]


def test_keeps_what_names_nobody() -> None:
    finding = "P4: accounts.commands.open-0 is committed up to 0 of 3"

    assert unless_struck(STRUCK, [finding]) == [finding]


def test_expects_that_verification_says_so() -> None:
    of_alice = "verify: alice corrupt_document accounts alice: mac is missing or wrong"
    of_bob = of_alice.replace("alice", "bob")

    assert verified(STRUCK, [of_alice]) == []
    assert verified(STRUCK, [of_alice, of_bob]) == [of_bob]
    assert [each.partition(":")[0] for each in verified(STRUCK, [])] == ["P18"]
    assert verified(None, []) == []
