"""P2, P4: a bug of ours in one record makes a dead letter of it, and leaves nothing behind."""

from contracts.codes import Code
from contracts.topics import BALANCE_EVENTS
from tests.simulation.checker.evidence import Evidence, Findings, Stood, named


def check_flaws(evidence: Evidence) -> Findings:
    """Look at each record that our code fails on, however often it comes."""
    if not any(flaw.lasts for flaw in evidence.history.flaws.values()):
        return
    for record in evidence.inputs:
        if is_flawed(evidence, record) and not evidence.is_dead(record):
            yield f"P4: our code fails on {record} ({named(record.body)}), and it is no dead letter"
    moved = {named(each.body) for each in evidence.topics.get(BALANCE_EVENTS.name, ())}
    stored = evidence.written.get("requests", {})
    for name, flaw in evidence.history.flaws.items():
        if flaw.lasts and (name in evidence.outcomes or name in moved or name in stored):
            yield f"P2: our code fails on {name}, and it was done"


def is_flawed(evidence: Evidence, record: Stood) -> bool:
    """Say whether our code fails on *record* whenever it comes."""
    flaw = evidence.history.flaws.get(named(record.body))
    return flaw is not None and flaw.lasts


def failed_on(evidence: Evidence, record: Stood) -> bool:
    """Say whether it is a dead letter because our code failed on it.

    By a bug that is there, or, of requests, by what nobody foresaw, which hurts them alone.
    """
    calm = evidence.calm
    may = is_flawed(evidence, record) or (
        calm is not None and calm.met_unforeseen and "request_id" in record.body
    )
    return may and evidence.dead_codes(record) == {Code.INTERNAL_ERROR.value.encode()}
