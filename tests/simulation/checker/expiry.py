"""P1, P3: a command is refused as expired where its worker's own clock says so, and nowhere else."""

from datetime import datetime

from contracts.codes import Code
from tests.simulation.checker.evidence import Evidence, Findings
from tests.simulation.clocks import EPOCH, Wrong

ROUNDED_S = 0.002
"""Times are told in milliseconds."""


def check_expiry(evidence: Evidence) -> Findings:
    """Hold what was decided of each command that expires against the clock of who decided it."""
    for name, source in evidence.sources.items():
        wanted = source.body.get("expires_at")
        decided = evidence.transactions.get(evidence.written["outcomes"][name][0][0])
        if wanted is None or decided is None:
            continue
        expires_s = datetime.fromisoformat(wanted).timestamp()
        is_expired = evidence.outcomes[name].get("code") == Code.EXPIRED
        if is_expired and expires_s > told_s(evidence, *decided) + ROUNDED_S:
            yield f"P1: {name} was refused as expired, and was in time by the clock of its worker"
        came_s = told_s(evidence, decided.process, source.timestamp_ms / 1000)
        if evidence.outcomes[name].get("code") is None and expires_s < came_s - ROUNDED_S:
            yield f"P1: {name} was accepted, and had expired before it was sent"


def told_s(evidence: Evidence, process: str, at_s: float) -> float:
    """Return what the clock of *process* says when it is *at_s*."""
    wrong = evidence.history.clocks.get(process.partition("/")[0], Wrong())
    return at_s + wrong.offset_s + wrong.drift * (at_s - EPOCH.timestamp())
