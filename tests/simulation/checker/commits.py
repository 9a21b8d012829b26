"""P4: whatever a group has committed was answered or a dead letter by then, and published with all that belongs to it.

At the end of a run all may have become right; here the moment counts in which a crash would have lost something.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from contracts.topics import AUDIT_EVENTS, BALANCE_EVENTS, CREDENTIALS
from tests.simulation.checker.evidence import Evidence, Findings, Stood, named
from tests.simulation.kafka.cluster import OffsetCommit

Numbers = Mapping[str, Sequence[int]]
"""`<username>:<id>` → the numbers of what was said of it, in their order."""


def check_commits(evidence: Evidence) -> Findings:
    """Look at every offset that was committed, as it was committed."""
    said = _Said(evidence)
    passed: dict[tuple[str, str], dict[str, int]] = {}
    for commit, record in _passed(evidence):
        dead = evidence.dead_from(record)
        if dead is not None and dead < commit.number:
            continue
        body = record.body
        is_request = "request_id" in body
        name = named(body)
        counts = passed.setdefault((commit.group, "request" if is_request else "command"), {})
        counts[name] = counts.get(name, 0) + 1
        missing = said.missing(name, commit, counts[name], is_request=is_request)
        if missing:
            yield f"P4: {record} ({name}) was committed by {commit.group}, and {missing} then"


def _passed(evidence: Evidence) -> Iterator[tuple[OffsetCommit, Stood]]:
    """Yield each record with the first commit of each group behind it."""
    places: dict[tuple[str, int], list[Stood]] = {}
    for topic in {each.topic: None for each in evidence.commits}:
        for record in evidence.topics.get(topic, ()):
            places.setdefault((topic, record.partition), []).append(record)
    seen: dict[tuple[str, str, int], int] = {}
    for commit in evidence.commits:
        records = places.get((commit.topic, commit.partition), ())
        key = commit.group, commit.topic, commit.partition
        position = seen.get(key, 0)
        while position < len(records) and records[position].offset < commit.offset:
            yield commit, records[position]
            position += 1
        seen[key] = position


@dataclass(slots=True)
class _Said:
    """When what was said, by the name of what it was said of."""

    evidence: Evidence
    _pending: Numbers = field(init=False)
    _events: Numbers = field(init=False)
    _audits: Numbers = field(init=False)

    def __post_init__(self) -> None:
        topics = self.evidence.topics
        self._pending = _numbers(topics.get(CREDENTIALS.name, ()), "command_id")
        self._events = _numbers(topics.get(BALANCE_EVENTS.name, ()), "command_id")
        self._audits = {
            each.body["event_id"]: (each.number,)
            for each in reversed(topics.get(AUDIT_EVENTS.name, ()))
        }

    def missing(
        self, name: str, commit: OffsetCommit, count: int, *, is_request: bool
    ) -> str | None:
        """Return what did not stand there when a record of that *name* was committed, the *count*th of it."""
        number, evidence = commit.number, self.evidence
        if is_request:
            replies = evidence.replies.get(name, ())
            return (
                None if _stood(replies, number) >= count else f"it had fewer than {count} replies"
            )
        is_registered = commit.topic == CREDENTIALS.name
        passed_on = 0 if is_registered else bisect_left(self._pending.get(name, ()), number)
        if _stood(evidence.answers.get(name, ()), number) + passed_on < count:
            return f"it had fewer than {count} answers"
        outcome = evidence.outcomes.get(name)
        if outcome is None or is_registered or commit.topic in evidence.remade:
            # What else there is to say of a registration says the ledger; and of one whose first
            # record is gone this may be another, under its id.
            return None
        if "sequence" in outcome and not bisect_left(self._events.get(name, ()), number):
            return f"entry {outcome['sequence']} had no event"
        if not bisect_left(self._audits.get(f"{name}:audit", ()), number):
            return "it had no audit event"
        return None


def _stood(answers: Sequence[Stood], number: int) -> int:
    """Return how many stood there before *number*."""
    return sum(each.number < number for each in answers)


def _numbers(records: Sequence[Stood], identifier: str) -> Numbers:
    found: dict[str, list[int]] = {}
    for each in records:
        body = each.body
        found.setdefault(f"{body.get('username')}:{body.get(identifier)}", []).append(each.number)
    return found
