"""What the topic of balance events says, compared with what is recorded (P5)."""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field

import orjson

from client.kafka import Record
from handlers.account import Account
from handlers.outcome import Outcome
from handlers.rendering import Rendering


@dataclass(frozen=True, slots=True)
class Finding:
    """One fact that does not hold."""

    username: str
    violation: str
    detail: str


@dataclass(slots=True)
class _Events:
    """The events of one account: eight bytes for each, the hash of its key and value."""

    first: int
    hashes: "array[int]" = field(default_factory=lambda: array("q"))

    @property
    def last(self) -> int:
        return self.first + len(self.hashes) - 1


class PublishedEvents:
    """Takes the records of the topic, then the accounts and entries of the ledger."""

    def __init__(self) -> None:
        self._events: dict[str, _Events] = {}
        self.count = 0
        self.findings: list[Finding] = []

    def add(self, record: Record, *, expired: bool) -> None:
        """Take the next record; *expired* where older ones of its partition are gone."""
        self.count += 1
        place = f"partition {record.partition}, offset {record.offset}"
        try:
            body = orjson.loads(record.value or b"")
            username, sequence = str(body["username"]), int(body["sequence"])
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
            self._note("", "unreadable_event", f"{place} is no balance event")
            return
        if record.key != username.encode():
            self._note(username, "wrong_key", f"{place} has another key")
        events = self._events.get(username)
        if events is None:
            events = self._events[username] = _Events(sequence if expired else 1)
        known = sequence - events.first
        if known > len(events.hashes):
            self._note(
                username, "event_gap", f"{place} has event {sequence} right after {events.last}"
            )
            self._events[username] = _Events(sequence, array("q", [hash(record.value)]))
        elif known == len(events.hashes):
            events.hashes.append(hash(record.value))
        elif known >= 0 and events.hashes[known] != hash(record.value):
            self._note(username, "event_changed", f"{place} repeats event {sequence}, changed")

    def compare(self, outcome: Outcome) -> None:
        """Check that the event of *outcome*, if it was published, says what is recorded."""
        entry = outcome.entry
        events = self._events.get(outcome.username)
        if entry is None or events is None or not events.first <= entry.sequence <= events.last:
            return
        recorded = hash(Rendering(outcome).balance_event().value)
        if events.hashes[entry.sequence - events.first] != recorded:
            self._note(
                outcome.username,
                "event_differs",
                f"event {entry.sequence} is not what is recorded as {outcome.command_id}",
            )

    def settle(self, accounts: Sequence[Account], *, live: bool) -> None:
        """Check that all entries of *accounts* were published, or could still be (*live*)."""
        for account in accounts:
            events = self._events.pop(account.username, None)
            last = events.last if events else 0
            if last > account.sequence:
                self._note(
                    account.username,
                    "event_unrecorded",
                    f"event {last} was published, only {account.sequence} are recorded",
                )
            elif last < account.sequence and not live:
                self._note(
                    account.username,
                    "event_missing",
                    f"{account.sequence} entries are recorded, {last} were published; "
                    "if commands are being decided right now, use --live",
                )

    def finish(self) -> None:
        """Check that no events are left whose account does not exist."""
        for username, events in self._events.items():
            self._note(
                username, "unknown_account", f"{events.last} events were published, no account"
            )
        self._events.clear()

    def _note(self, username: str, violation: str, detail: str) -> None:
        self.findings.append(Finding(username, violation, detail))
