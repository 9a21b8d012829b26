"""What the checker is there to find of bugs of our own, repeats without a bound and early sign-offs, it finds."""

from dataclasses import replace

import pytest

from contracts.topics import BALANCE_EVENTS, BALANCES
from tests.simulation.checker.evidence import Evidence, Transaction
from tests.simulation.checker.flaws import check_flaws
from tests.simulation.checker.late_states import check_signing_off
from tests.simulation.checker.repeats import repeats_max
from tests.simulation.exhaustive import short_histories
from tests.simulation.history import Flaw
from tests.simulation.test_checker import broken, kept_by, of


@pytest.fixture
def evidence(monkeypatch: pytest.MonkeyPatch) -> Evidence:
    """What a history leaves behind in which nothing went wrong."""
    return kept_by(monkeypatch, short_histories()[0])


def test_finds_what_our_code_failed_on_and_did_all_the_same(evidence: Evidence) -> None:
    flawed = replace(evidence.history, flaws={"alice:c2": Flaw.SAYING})

    found = [*check_flaws(replace(evidence, history=flawed))]

    assert {each.partition(":")[0] for each in found} == {"P2", "P4"}


def test_finds_an_event_that_is_published_too_often(evidence: Evidence) -> None:
    events = evidence.topics[BALANCE_EVENTS.name]

    def counted(times: int) -> set[str]:
        return broken(evidence, BALANCE_EVENTS.name, [*events, *[events[0]] * times])

    most = repeats_max(evidence)
    assert counted(most - 1) == set()
    assert counted(most) == {"P5"}


@pytest.mark.parametrize(("off_s", "is_found"), [(1, True), (10, False)])
def test_finds_a_writer_that_signs_off_while_a_state_is_due(
    evidence: Evidence, off_s: float, *, is_found: bool
) -> None:
    """P7: after its name nobody suspects that a late writer may follow."""
    versions = of(evidence, "accounts", "alice")[-2:]
    numbers = [number for number, _ in versions]
    others = [
        (number, {**(account or {}), "writer": writer})
        for (number, account), writer in zip(versions, ("one", "another"), strict=True)
    ]
    state = replace(evidence.topics[BALANCES.name][-1], number=numbers[-1] + 1)

    changed = replace(
        evidence,
        topics={**evidence.topics, BALANCES.name: [state]},
        times_ms={state.number: int(1000 * off_s)},
        written={
            "accounts": {"alice": others},
            "writers": {"another": [(numbers[-1] + 2, {"_id": "another"})]},
        },
        transactions={number: Transaction("worker-1/1", 0.0) for number in numbers},
    )

    assert bool([*check_signing_off(changed)]) is is_found
