"""What an account's entries come to, and whether they agree with one another."""

from collections.abc import Iterator
from datetime import datetime

from contracts.message import rfc3339
from handlers.history.discrepancy import Violation
from handlers.model.chain import chain_start
from handlers.model.corrupt import CorruptDocument
from handlers.model.outcome import LedgerEntry, Outcome
from handlers.wire.entries import entry_value

SIGNS = {"deposit": 1, "withdraw": -1}
"""Which way each command moves money; any other command may move it either way."""


class Entries:
    """One account's entries, taken in ascending sequence: sums, and what is wrong among them."""

    def __init__(self) -> None:
        self.posted_minor: dict[str, int] = {}
        """Currency → what the entries add up to."""
        self.scales: dict[str, int] = {}
        """Currency → decimals, as its first entry has them."""
        self.sequence = 0
        """Of the last one."""
        self.account_id: str | None = None
        """As the first one names it."""
        self.first_at: datetime | None = None
        self.last_at: datetime | None = None
        self.writes = 0
        """Writes of the account that these entries need at least: all of one write bear one time."""
        self.head: bytes | None = None
        """Hash of the last one; None where none of them is chained."""
        self.corrupt: list[CorruptDocument] = []
        """Entries that cannot be understood; without them nothing can be added up."""
        self._ends_minor: dict[str, int] = {}
        self._skipped = 0
        """Corrupt ones since the last that was understood."""

    def skip(self, document: CorruptDocument) -> None:
        """Take in that the next entry cannot be understood."""
        self.corrupt.append(document)
        self._skipped += 1

    def add(self, outcome: Outcome) -> Iterator[tuple[Violation, str]]:
        """Take the next outcome that has an entry; yield what is wrong with it."""
        entry = outcome.entry
        assert entry is not None, "only outcomes with an entry belong to a history"
        yield from self._chained(outcome, entry)
        yield from self._placed(outcome, entry)
        yield from self._timed(outcome, entry)
        yield from self._moved(outcome.type, entry)
        self._skipped = 0

    def head_of(self, account_id: str) -> bytes:
        """Return what the account must keep: the hash of the last one, or where its chain starts."""
        if self.head is not None:
            return self.head
        posted_minor = {(name, self.scales[name]): sum_ for name, sum_ in self.posted_minor.items()}
        return chain_start(account_id, self.sequence, posted_minor)

    def _placed(self, outcome: Outcome, entry: LedgerEntry) -> Iterator[tuple[Violation, str]]:
        if entry.sequence != self.sequence + 1 + self._skipped:
            yield (
                Violation.SEQUENCE_GAP,
                f"entry {entry.sequence} follows entry {self.sequence + self._skipped}",
            )
        self.sequence = entry.sequence
        if self.account_id is None:
            self.account_id = outcome.account_id
        if outcome.account_id is None or outcome.account_id != self.account_id:
            yield Violation.WRONG_ACCOUNT, f"entry {entry.sequence} names {outcome.account_id}"

    def _timed(self, outcome: Outcome, entry: LedgerEntry) -> Iterator[tuple[Violation, str]]:
        at = outcome.decided_at
        if self.last_at is not None and at < self.last_at:
            yield (
                Violation.WRONG_TIME,
                f"entry {entry.sequence} was decided before the one before it",
            )
        if at != self.last_at:
            self.writes += 1
        self.first_at = self.first_at or at
        self.last_at = at

    def _chained(self, outcome: Outcome, entry: LedgerEntry) -> Iterator[tuple[Violation, str]]:
        """Compare with the hash of the one before, which those of before the chain have not."""
        previous = entry.previous_hash
        if previous is None:
            if self.head is not None:
                yield Violation.WRONG_HASH, f"entry {entry.sequence} names no entry before it"
            return
        account_id = self.account_id or outcome.account_id or ""
        if previous != self.head_of(account_id) and not self.corrupt:
            yield (
                Violation.WRONG_HASH,
                f"entry {entry.sequence} does not follow on what is recorded before it",
            )
        _, self.head = entry_value(outcome, entry, rfc3339(outcome.decided_at))

    def _moved(self, command: str, entry: LedgerEntry) -> Iterator[tuple[Violation, str]]:
        currency = entry.currency
        before = self._ends_minor.get(currency, 0)
        if entry.before_minor != before and not self.corrupt:
            yield (
                Violation.BROKEN_CHAIN,
                f"entry {entry.sequence} starts at {entry.before_minor} {currency}, not {before}",
            )
        moved = entry.after_minor - entry.before_minor
        if moved != SIGNS.get(command, moved // entry.amount_minor) * entry.amount_minor:
            yield (
                Violation.WRONG_DIRECTION,
                f"entry {entry.sequence}, a {command}, moved {moved} {currency}",
            )
        scale = self.scales.setdefault(currency, entry.scale)
        if entry.scale != scale:
            yield (
                Violation.WRONG_SCALE,
                f"entry {entry.sequence} has {entry.scale} decimals, {currency} {scale}",
            )
        if entry.held_minor:
            yield (
                Violation.HELD_WITHOUT_HOLD,
                f"entry {entry.sequence} says that {entry.held_minor} {currency} are held",
            )
        self._ends_minor[currency] = entry.after_minor
        self.posted_minor[currency] = self.posted_minor.get(currency, 0) + moved
