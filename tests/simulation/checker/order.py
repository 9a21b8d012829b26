"""P1: in order, and nobody who waited is refused for want of what was acknowledged before."""

from collections.abc import Sequence
from decimal import Decimal

from contracts.codes import Code, known_code
from contracts.topics import ORDERED
from tests.simulation.checker.answers import decisive
from tests.simulation.checker.entries import EXACT
from tests.simulation.checker.evidence import Evidence, Findings, Sent, Stood, named, parsed
from tests.simulation.clocks import EPOCH
from tests.simulation.history import Blow

NEVER_S = float("inf")


def check_order(evidence: Evidence) -> Findings:
    """Hold every decision against when its command was sent, and what had been acknowledged by then."""
    yield from _in_partition_order(evidence)
    yield from _not_too_early(evidence)


def _in_partition_order(evidence: Evidence) -> Findings:
    """A user's commands of one partition are decided in its order."""
    for topic in ORDERED:
        last: dict[tuple[int, str], tuple[int, int]] = {}
        seen: set[str] = set()
        for record in evidence.topics.get(topic.name, ()):
            body = record.body
            name = f"{body.get('username')}:{body.get('command_id')}"
            outcome = evidence.outcomes.get(name)
            sequence = None if outcome is None else outcome.get("sequence")
            if sequence is None or name in seen or evidence.is_dead(record):
                continue
            seen.add(name)
            if evidence.sources.get(name) is not record:
                continue  # another one under the same id came first
            key = record.partition, str(body["username"])
            before, offset = last.get(key, (0, -1))
            if sequence < before:
                yield f"P1: {name} at {record.offset} is entry {sequence}, behind {before} at {offset}"
            last[key] = sequence, record.offset


def _not_too_early(evidence: Evidence) -> Findings:
    """A refusal that the user's others could lift was not lifted by all that was acknowledged."""
    sent = _by_id(evidence.sent)
    added_s = _partitions_added_s(evidence)
    for name, answers in evidence.answers.items():
        refused = next((each for each in answers if decisive(each)), None)
        error = None if refused is None else refused.body.get("error")
        code = None if error is None else known_code(error["code"])
        if refused is None or code is None or not code.info.depends_on_other_commands:
            continue
        asked = sent.get(name)
        if asked is None or len({each.record.value for each in asked}) > 1:
            continue  # nobody can tell which of them was decided
        first = min(asked, key=lambda each: each.sent_s)
        if {each.partition for each in asked} != {first.partition}:
            continue
        if _decided_s(evidence, name) >= added_s:
            continue  # across that nothing is promised of the order
        earlier = [
            each
            for those in sent.values()
            for each in those
            if each.record.key == first.record.key
            and each.record.topic not in evidence.remade
            and _was_decided(evidence, each)
            and each.partition == first.partition
            and (each.acknowledged_s or NEVER_S) < first.sent_s
        ]
        if code is Code.UNKNOWN_ACCOUNT:
            yield from _was_open(evidence, name, earlier)
        elif code is Code.INSUFFICIENT_FUNDS:
            yield from _was_covered(evidence, name, first, earlier)


def _partitions_added_s(evidence: Evidence) -> float:
    blows = evidence.history.disturbances
    return min((each.at_s for each in blows if each.blow is Blow.PARTITIONS), default=NEVER_S)


def _decided_s(evidence: Evidence, name: str) -> float:
    """Return when it was decided, in virtual seconds; 0 where nobody knows."""
    versions = evidence.written.get("outcomes", {}).get(name)
    decided = evidence.transactions.get(versions[0][0]) if versions else None
    return 0.0 if decided is None else decided.at_s - EPOCH.timestamp()


def _was_decided(evidence: Evidence, each: Sent) -> bool:
    """Say whether it was this content that was decided, and not another under its id."""
    source = evidence.sources.get(named(parsed(each.record.value)))
    return source is not None and source.value == each.record.value


def _by_id(sent: Sequence[Sent]) -> dict[str, list[Sent]]:
    found: dict[str, list[Sent]] = {}
    for each in sent:
        body = parsed(each.record.value)
        if "command_id" in body:
            found.setdefault(f"{body.get('username')}:{body['command_id']}", []).append(each)
    return found


def _accepted(evidence: Evidence, each: Sent) -> Stood | None:
    body = parsed(each.record.value)
    for answer in evidence.answers.get(f"{body.get('username')}:{body.get('command_id')}", ()):
        if answer.body["status"] == "accepted":
            return answer
    return None


def _was_open(evidence: Evidence, name: str, earlier: Sequence[Sent]) -> Findings:
    for each in earlier:
        answer = _accepted(evidence, each)
        if answer is not None and "account_id" in answer.body:
            yield f"P1: {name} found no account, and {answer.body['command_id']} had opened it"


def _was_covered(evidence: Evidence, name: str, first: Sent, earlier: Sequence[Sent]) -> Findings:
    """Count only what was acknowledged before as there, and all that was ever taken as gone."""
    body = parsed(first.record.value)
    currency, wanted = body["currency"], Decimal(body["amount"])
    before = {parsed(each.record.value)["command_id"] for each in earlier}
    there = Decimal(0)
    for other, outcome in evidence.outcomes.items():
        username, _, identifier = other.partition(":")
        if username != body["username"] or outcome.get("sequence") is None:
            continue
        answers = evidence.answers.get(other, ())
        entry = next((each.body["entry"] for each in answers if "entry" in each.body), None)
        for posting in () if entry is None else entry["postings"]:
            if (posting["account"], posting["currency"]) != (username, currency):
                continue
            amount = Decimal(posting["amount"])
            if amount < 0 or identifier in before:
                there = EXACT.add(there, amount)
    if there >= wanted:
        yield f"P1: {name} was refused {wanted} {currency}, and {there} were there at least"
