"""What the checker is there to find, it finds."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from contracts.topics import AUDIT_EVENTS, BALANCE_EVENTS, BALANCES, RESULTS
from tests.simulation import runs
from tests.simulation.checker.evidence import Evidence, Stood
from tests.simulation.exhaustive import short_histories


@pytest.fixture
def evidence(monkeypatch: pytest.MonkeyPatch) -> Evidence:
    """What a history leaves behind in which nothing went wrong."""
    found: list[Evidence] = []
    made = runs.evidence_of

    def kept(*given: object) -> Evidence:
        found.append(made(*given))  # type: ignore[arg-type]
        return found[0]

    monkeypatch.setattr(runs, "evidence_of", kept)
    assert not runs.run(short_histories()[0]).violations
    return found[0]


def broken(evidence: Evidence, topic: str, records: Sequence[Stood]) -> set[str]:
    """Return which promises are broken where *records* stand on *topic*."""
    changed = replace(evidence, topics={**evidence.topics, topic: records})
    return {each.partition(":")[0] for check in runs.CHECKS for each in check(changed)}


def test_nothing_is_wrong_at_first(evidence: Evidence) -> None:
    assert broken(evidence, RESULTS.name, evidence.topics[RESULTS.name]) == set()


def test_finds_an_answer_that_is_missing(evidence: Evidence) -> None:
    assert "P4" in broken(evidence, RESULTS.name, evidence.topics[RESULTS.name][1:])


def test_finds_an_audit_event_that_is_missing(evidence: Evidence) -> None:
    assert "P4" in broken(evidence, AUDIT_EVENTS.name, evidence.topics[AUDIT_EVENTS.name][1:])


def test_finds_a_gap_among_events(evidence: Evidence) -> None:
    assert "P5" in broken(evidence, BALANCE_EVENTS.name, evidence.topics[BALANCE_EVENTS.name][1:])


def test_finds_an_old_state(evidence: Evidence) -> None:
    states = evidence.topics[BALANCES.name]

    assert "P5" in broken(evidence, BALANCES.name, [*states, states[0]])


def test_finds_another_amount(evidence: Evidence) -> None:
    events = evidence.topics[BALANCE_EVENTS.name]
    value = (events[0].value or b"").replace(b"10.00", b"11.00")

    found = broken(evidence, BALANCE_EVENTS.name, [replace(events[0], value=value), *events[1:]])

    assert {"P2", "P18"} <= found


def test_finds_a_second_answer(evidence: Evidence) -> None:
    results = evidence.topics[RESULTS.name]
    value = (results[0].value or b"").replace(b"accepted", b"rejected")

    assert "P3" in broken(evidence, RESULTS.name, [*results, replace(results[0], value=value)])
