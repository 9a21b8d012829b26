"""What the topic of balance events says, compared with what is recorded (P5)."""

from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import orjson

from client.kafka import Record
from handlers.model.account import Account
from handlers.model.outcome import Outcome
from handlers.model.unpublished import EntryRange
from handlers.wire.rendering import Rendering

GAP_MAX = 1_000_000
"""Events left out at once that are waited for; a sequence beyond is taken for a wrong one."""


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
    missing: set[int] = field(default_factory=set[int])
    """Sequences that others came before, and that have not come since."""
    gaps: list[tuple[int, int, str]] = field(default_factory=list[tuple[int, int, str]])
    """First and last sequence left out, and where that showed."""
    late: list[int] = field(default_factory=list[int])
    """Sequences that came after later ones of the same partition."""
    last_in: dict[int, int] = field(default_factory=dict[int, int])
    """Partition → highest sequence there. Once partitions were added, an account's events stand in
    two, and nothing says which was written first."""
    lowest: int = 0
    """Sequence of the first event that is there."""

    @property
    def last(self) -> int:
        return self.first + len(self.hashes) - 1

    def has(self, sequence: int) -> bool:
        return self.first <= sequence <= self.last and sequence not in self.missing

    def leave_out(self, up_to: int, detail: str) -> None:
        """Note that the next event is the one after *up_to*."""
        left_out = range(self.last + 1, up_to + 1)
        self.gaps.append((left_out[0], left_out[-1], detail))
        self.missing.update(left_out)
        self.hashes.extend([0] * len(left_out))


class PublishedEvents:
    """Takes the records of the topic, then the accounts and entries of the ledger."""

    def __init__(self, repaired: Mapping[str, Sequence[EntryRange]] | None = None) -> None:
        """Expect that of the accounts *repaired* these events came after later ones."""
        self._events: dict[str, _Events] = {}
        self._repaired = repaired or {}
        self.count = 0
        self.findings: list[Finding] = []
        self.kept_since_ms = 0
        """Before this moment events may have expired."""
        self._oldest = set[int]()
        self._last_at: dict[str, datetime] = {}
        """Of accounts without any event that is kept: when their last entry was decided."""

    def look_at(self, record: Record) -> None:
        """Take any record of a partition whose older ones are gone, of whatever user."""
        if record.partition not in self._oldest:
            self._oldest.add(record.partition)
            self.kept_since_ms = max(self.kept_since_ms, record.timestamp)

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
        if sequence > events.last + 1:
            detail = f"{place} has event {sequence} right after {events.last}"
            if sequence - events.last > GAP_MAX:
                self._note(username, "event_gap", detail)
                events = self._events[username] = _Events(sequence)
            else:
                events.leave_out(sequence - 1, detail)
        self._place(events, username, sequence, record, place)

    def _place(
        self, events: _Events, username: str, sequence: int, record: Record, place: str
    ) -> None:
        known, digest = sequence - events.first, hash(record.value)
        if known == len(events.hashes):
            events.hashes.append(digest)
        elif sequence in events.missing:
            events.missing.remove(sequence)
            events.hashes[known] = digest
            if sequence < events.last_in.get(record.partition, 0):
                events.late.append(sequence)
        elif known >= 0 and events.hashes[known] != digest:
            self._note(username, "event_changed", f"{place} repeats event {sequence}, changed")
        events.lowest = min(events.lowest or sequence, sequence)
        last = events.last_in.get(record.partition, 0)
        events.last_in[record.partition] = max(last, sequence)

    def compare(self, outcome: Outcome) -> None:
        """Check that the event of *outcome*, if it was published, says what is recorded."""
        entry = outcome.entry
        events = self._events.get(outcome.username)
        if events is None and self.kept_since_ms:
            self._last_at[outcome.username] = outcome.decided_at
        if entry is None or events is None:
            return
        if entry.sequence in events.missing and entry.sequence < events.lowest:
            # Nothing older is there, in any partition: these expired where theirs may have.
            if outcome.decided_at.timestamp() * 1000 < self.kept_since_ms:
                events.missing.remove(entry.sequence)
            return
        if not events.has(entry.sequence):
            return
        recorded = hash(Rendering(outcome).balance_event().value)
        if events.hashes[entry.sequence - events.first] != recorded:
            self._note(
                outcome.username,
                "event_differs",
                f"event {entry.sequence} is not what is recorded as {outcome.command_id}",
            )

    def lacks(self, outcome: Outcome) -> bool:
        """Say whether the event of *outcome* should be there, and is not; older ones expire."""
        events, entry = self._events.get(outcome.username), outcome.entry
        assert entry is not None
        if events is not None and (entry.sequence < events.first or events.has(entry.sequence)):
            return False
        return outcome.decided_at.timestamp() * 1000 >= self.kept_since_ms

    def settle(self, accounts: Sequence[Account], *, live: bool) -> None:
        """Check that all entries of *accounts* were published, or could still be (*live*)."""
        for account in accounts:
            events = self._events.pop(account.username, None)
            if events is not None:
                self._order(account.username, events)
            last = events.last if events else 0
            if last > account.sequence:
                self._note(
                    account.username,
                    "event_unrecorded",
                    f"event {last} was published, only {account.sequence} are recorded",
                )
            elif last < account.sequence and not live and not self._expired(account.username):
                self._note(
                    account.username,
                    "event_missing",
                    f"{account.sequence} entries are recorded, {last} were published; "
                    "if commands are being decided right now, use --live",
                )

    def _expired(self, username: str) -> bool:
        """Say whether all events of *username*, of which none is kept, are old enough to be gone."""
        at = self._last_at.pop(username, None)
        return at is not None and at.timestamp() * 1000 < self.kept_since_ms

    def _order(self, username: str, events: _Events) -> None:
        """Note what never came, and what came late without a repair that explains it."""
        for first, last, detail in events.gaps:
            if not events.missing.isdisjoint(range(first, last + 1)):
                self._note(username, "event_gap", detail)
        repaired = self._repaired.get(username, ())
        for sequence in events.late:
            if not any(each.after < sequence <= each.up_to for each in repaired):
                self._note(username, "event_late", f"event {sequence} came after later ones")

    def forget(self, usernames: Iterable[str]) -> None:
        """Leave out accounts that cannot be understood: there is nothing to compare with."""
        for username in usernames:
            self._events.pop(username, None)

    def finish(self) -> None:
        """Check that no events are left whose account does not exist."""
        for username, events in self._events.items():
            self._note(
                username, "unknown_account", f"{events.last} events were published, no account"
            )
        self._events.clear()

    def _note(self, username: str, violation: str, detail: str) -> None:
        self.findings.append(Finding(username, violation, detail))
