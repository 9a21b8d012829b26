"""P7: a late writer may leave an older state last; whoever met its mark says the newer one again."""

from collections.abc import Iterator, Mapping

from contracts.topics import BALANCES
from tests.simulation.checker.evidence import (
    Calm,
    Document,
    Evidence,
    Findings,
    Stood,
    Transaction,
    Versions,
    by_user,
)
from tests.simulation.processes import OPTIONS
from workers.config.roles import Role

AGAIN_S = OPTIONS.publish_deadline_ms / 1000
"""How long after it met another's mark a worker says a state again."""

SAID_S = 1.0
"""How long that takes while nothing goes wrong, and more."""

TICK_S = 0.001
"""What two times of one moment may differ by: the broker has whole milliseconds."""

Version = tuple[int, Document]


def check_late_states(evidence: Evidence) -> Findings:
    """Look at each account's last state as it was before a housekeeper said all of them again."""
    calm = evidence.calm
    if calm is None or Role.HOUSEKEEPER in evidence.history.roles:
        return  # what a sweep writes late the next one overwrites
    for key, states in by_user(evidence.topics.get(BALANCES.name, ())).items():
        before = [each for each in states if each.number < calm.swept_from]
        versions = evidence.written.get("accounts", {}).get((key or b"").decode(), ())
        accounts = [(number, each) for number, each in versions if each is not None]
        if before and _stays(evidence, calm, before[-1], accounts):
            said, stored = before[-1].body["sequence"], accounts[-1][1]["sequence"]
            yield f"P7: {key!r}: the last state is of entry {said}, not {stored}: a late writer's"


def _stays(evidence: Evidence, calm: Calm, last: Stood, accounts: list[Version]) -> bool:
    """Say whether *last* is older than what is stored, and somebody should have said that again."""
    sequence = last.body["sequence"]
    if not accounts or sequence == accounts[-1][1]["sequence"]:
        return False
    newest = evidence.transactions.get(accounts[-1][0])
    if newest is None or newest.process not in calm.running:
        return False  # nobody is left who met the mark
    writers = {each["writer"] for _, each in accounts if each["sequence"] <= sequence}
    met = _met(evidence, accounts, sequence, writers)
    if met is None or newest.at_s + AGAIN_S + SAID_S > calm.at_s:
        return False
    return evidence.times_ms[last.number] / 1000 <= met.at_s + AGAIN_S


def _met(
    evidence: Evidence, accounts: list[Version], sequence: int, writers: set[str]
) -> Transaction | None:
    """Return the first that wrote something newer over the mark of another."""
    for number, account in accounts:
        if account["sequence"] > sequence and account["writer"] not in writers:
            return evidence.transactions.get(number)
    return None


def check_signing_off(evidence: Evidence) -> Findings:
    """Look whether whoever met another's mark said the state once more before it signed off.

    Those who come after it suspect nothing any more.
    """
    notes = {name: each[0][0] for name, each in evidence.written.get("writers", {}).items()}
    states = by_user(evidence.topics.get(BALANCES.name, ()))
    for username, versions in evidence.written.get("accounts", {}).items() if notes else ():
        for number, writer in _met_marks(versions, notes):
            met, off = evidence.transactions.get(number), notes.get(writer)
            if met is None or off is None or off <= number:
                continue
            said = any(
                number < each.number < off
                and evidence.times_ms.get(each.number, 0) / 1000 + TICK_S >= met.at_s + AGAIN_S
                for each in states.get(username.encode(), ())
            )
            if not said:
                yield f"P7: {writer} met another's mark on {username}, and signed off before saying so again"


def _met_marks(versions: Versions, notes: Mapping[str, int]) -> Iterator[tuple[int, str]]:
    """Yield who wrote an account over the mark of another that had not signed off by then, and at which number."""
    before: str | None = None
    for number, account in versions:
        writer: str | None = None if account is None else account["writer"]
        is_another = before is not None and notes.get(before, number + 1) > number
        if writer is not None and writer != before and is_another:
            yield number, writer
        before = writer
