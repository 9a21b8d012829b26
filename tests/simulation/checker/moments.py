"""P2, P5, P7: whatever is said or noted rests on what stood there by that moment."""

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

from contracts.topics import BALANCE_EVENTS, BALANCES
from tests.simulation.checker.answers import decisive
from tests.simulation.checker.evidence import Document, Evidence, Findings, Versions, by_user

Firsts = Mapping[str, Sequence[int]]
"""User → of each of its events the number from which on it stands there with all before it."""


def check_moments(evidence: Evidence) -> Findings:
    """Look at every answer, event, state and account as of the moment when it was written."""
    firsts = _firsts(evidence)
    yield from _decided_before_said(evidence)
    yield from _states_first(evidence)
    yield from _accounts(evidence, firsts)
    yield from _signed_off(evidence, firsts)


def _firsts(evidence: Evidence) -> Firsts:
    found: dict[str, Sequence[int]] = {}
    for key, records in by_user(evidence.topics.get(BALANCE_EVENTS.name, ())).items():
        numbers: dict[int, int] = {}
        for each in records:
            numbers.setdefault(each.body["sequence"], each.number)
        known = [numbers[each] for each in range(1, len(numbers) + 1) if each in numbers]
        found[(key or b"").decode()] = [*accumulate(known, max)]
    return found


def _lacking(firsts: Sequence[int], sequence: int, number: int) -> bool:
    """Say whether an event up to *sequence* did not stand there before *number*."""
    return sequence > 0 and (sequence > len(firsts) or firsts[sequence - 1] > number)


def _decided_before_said(evidence: Evidence) -> Findings:
    """P2: nothing is said of what is not recorded, nor of a registration whose user cannot sign in."""
    recorded = {name: each[0][0] for name, each in evidence.written.get("outcomes", {}).items()}
    credentials = evidence.written.get("credentials", {})
    for name, answers in evidence.answers.items():
        told = next((each for each in answers if decisive(each)), None)
        if told is None:
            continue
        if recorded.get(name, told.number) >= told.number:
            yield f"P2: {name} was answered before it was recorded"
        if told.body["type"] == "register" and told.body["status"] == "accepted":
            username = told.body["username"]
            if username not in credentials or credentials[username][0][0] > told.number:
                yield f"P4: {name} was answered before {username} could sign in"
    for event in evidence.topics.get(BALANCE_EVENTS.name, ()):
        name = f"{event.body['username']}:{event.body['command_id']}"
        if recorded.get(name, event.number) >= event.number:
            yield f"P2: the event of {name} was said before it was recorded"


def _states_first(evidence: Evidence) -> Findings:
    """P5: whoever follows the events finds the compacted state at least as new."""
    states = by_user(evidence.topics.get(BALANCES.name, ()))
    for key, events in by_user(evidence.topics.get(BALANCE_EVENTS.name, ())).items():
        waiting, newest = iter(states.get(key, ())), 0
        state = next(waiting, None)
        for event in events:
            while state is not None and state.number < event.number:
                newest = max(newest, state.body["sequence"])
                state = next(waiting, None)
            if event.body["sequence"] > newest:
                yield f"P5: {key!r}: event {event.body['sequence']} came when the state was of {newest}"
                break


def _accounts(evidence: Evidence, firsts: Firsts) -> Findings:
    """P5: an account says of no event that it is published before it is, and its time never goes back."""
    for username, versions in evidence.written.get("accounts", {}).items():
        before: Document | None = None
        for number, account in versions:
            if account is None:
                continue
            published = account["published_sequence"]
            if _lacking(firsts.get(username, ()), published, number):
                yield f"P5: {username} was said to have {published} events published before they were"
                break
            if before is not None and account["changed_at"] < before["changed_at"]:
                yield f"P5: {username} was changed at {account['changed_at']}, earlier than before"
            if before is not None and account["sequence"] < before["sequence"]:
                yield f"P7: {username} went back to {account['sequence']} entries"
            before = account


def _signed_off(evidence: Evidence, firsts: Firsts) -> Findings:
    """P5, P7: who signs off has published all it wrote, and writes no more."""
    notes = {name: each[0][0] for name, each in evidence.written.get("writers", {}).items()}
    if not notes:
        return
    for username, versions in evidence.written.get("accounts", {}).items():
        for writer, at in notes.items():
            yield from _written_by(writer, at, username, versions, firsts.get(username, ()))


def _written_by(
    writer: str, at: int, username: str, versions: Versions, firsts: Sequence[int]
) -> Findings:
    last: Any = None
    for number, account in versions:
        if number < at:
            last = account
        elif account is not None and account["writer"] == writer:
            yield f"P7: {writer} wrote {username} after it had signed off"
    if last is not None and last["writer"] == writer and _lacking(firsts, last["sequence"], at):
        yield f"P5: {writer} signed off, and not all events of {username} were published"
