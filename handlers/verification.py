"""Whether an account's balances are what its entries say: every one computed again."""

from collections.abc import Iterable
from enum import StrEnum

import msgspec

from handlers.account import Account
from handlers.corrupt import CorruptDocument
from handlers.outcome import Entry, Outcome

DISCREPANCIES_MAX = 20
"""Reported per account: enough to see the pattern, few enough to read."""

SIGNS = {"deposit": 1, "withdraw": -1}
"""Which way each command moves money; any other command may move it either way."""


class Violation(StrEnum):
    """What does not hold."""

    SEQUENCE_GAP = "sequence_gap"
    """An entry is missing, or is there twice."""
    BROKEN_CHAIN = "broken_chain"
    """An entry does not start at what the one before it left."""
    WRONG_DIRECTION = "wrong_direction"
    """A deposit took money or a withdrawal gave it."""
    WRONG_SCALE = "wrong_scale"
    """An entry counts in other minor units than the balance."""
    WRONG_ACCOUNT = "wrong_account"
    """An entry names another account, or a refused command has one."""
    WRONG_SUM = "wrong_sum"
    """The entries do not add up to the posted balance."""
    WRONG_SEQUENCE = "wrong_sequence"
    """The account counts other entries than there are."""
    ENTRIES_AHEAD = "entries_ahead"
    """There are entries that the account does not count yet."""
    PUBLISHED_AHEAD = "published_ahead"
    """More is marked as published than there is."""
    UNKNOWN_ACCOUNT = "unknown_account"
    """There are entries of an account that does not exist."""
    CORRUPT_DOCUMENT = "corrupt_document"
    """A stored document cannot be understood."""


class Discrepancy(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One fact about one account that does not hold. Names ids and amounts, no person."""

    username: str
    account_id: str
    violation: Violation
    detail: str


class Recount:
    """Compute one account again from its entries, given in ascending sequence."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._found: list[Discrepancy] = []
        self._sums: dict[str, int] = {}
        self._last: dict[str, int] = {}
        self._sequence = 0
        self._ahead = 0

    def add(self, outcome: Outcome) -> None:
        """Take the next outcome that has an entry."""
        entry = outcome.entry
        assert entry is not None, "only outcomes with an entry belong to a history"
        if entry.sequence > self._account.sequence:
            self._ahead = entry.sequence
            return
        if outcome.account_id != self._account.account_id:
            self._note(
                Violation.WRONG_ACCOUNT, f"entry {entry.sequence} names {outcome.account_id}"
            )
        self._follow(entry)
        self._direct(outcome.type, entry)

    def _follow(self, entry: Entry) -> None:
        if entry.sequence != self._sequence + 1:
            self._note(
                Violation.SEQUENCE_GAP,
                f"entry {entry.sequence} follows entry {self._sequence}",
            )
        self._sequence = entry.sequence
        before = self._last.get(entry.currency, 0)
        if entry.before_minor != before:
            self._note(
                Violation.BROKEN_CHAIN,
                f"entry {entry.sequence} starts at {entry.before_minor} {entry.currency}, "
                f"the one before it ended at {before}",
            )
        self._last[entry.currency] = entry.after_minor
        self._sums[entry.currency] = self._sums.get(entry.currency, 0) + (
            entry.after_minor - entry.before_minor
        )

    def _direct(self, command: str, entry: Entry) -> None:
        moved = entry.after_minor - entry.before_minor
        if moved != SIGNS.get(command, moved // entry.amount_minor) * entry.amount_minor:
            self._note(
                Violation.WRONG_DIRECTION,
                f"entry {entry.sequence}, a {command}, moved {moved} {entry.currency}",
            )
        balance = self._account.balances.get(entry.currency)
        if balance is not None and balance.scale != entry.scale:
            self._note(
                Violation.WRONG_SCALE,
                f"entry {entry.sequence} has {entry.scale} decimals, the {entry.currency} "
                f"balance {balance.scale}",
            )

    def finish(self) -> list[Discrepancy]:
        """Return all that does not hold, at most `DISCREPANCIES_MAX`."""
        account = self._account
        posted = {currency: balance.posted_minor for currency, balance in account.balances.items()}
        for currency in sorted(posted.keys() | self._sums.keys()):
            is_minor, should_minor = posted.get(currency, 0), self._sums.get(currency, 0)
            if is_minor != should_minor:
                self._note(
                    Violation.WRONG_SUM,
                    f"{is_minor} {currency} posted, the entries add up to {should_minor}",
                )
        if self._sequence != account.sequence:
            self._note(
                Violation.WRONG_SEQUENCE,
                f"sequence {account.sequence}, the last entry is {self._sequence}",
            )
        if self._ahead:
            self._note(
                Violation.ENTRIES_AHEAD,
                f"sequence {account.sequence}, but there is entry {self._ahead}",
            )
        if account.published_sequence > account.sequence:
            self._note(
                Violation.PUBLISHED_AHEAD,
                f"published {account.published_sequence} of {account.sequence}",
            )
        return self._found[:DISCREPANCIES_MAX]

    def _note(self, violation: Violation, detail: str) -> None:
        if len(self._found) < DISCREPANCIES_MAX:
            self._found.append(
                Discrepancy(
                    username=self._account.username,
                    account_id=self._account.account_id,
                    violation=violation,
                    detail=detail,
                )
            )


def verify(account: Account, entries: Iterable[Outcome]) -> list[Discrepancy]:
    """Return what does not hold between *account* and its *entries*, in ascending sequence."""
    recount = Recount(account)
    for outcome in entries:
        recount.add(outcome)
    return recount.finish()


def corrupt(document: CorruptDocument) -> Discrepancy:
    """Return what to report of a document that cannot be understood."""
    return Discrepancy(
        username=document.username,
        account_id="",
        violation=Violation.CORRUPT_DOCUMENT,
        detail=str(document),
    )


def unknown_account(outcome: Outcome) -> Discrepancy:
    """Return what to report of an entry whose account does not exist."""
    return Discrepancy(
        username=outcome.username,
        account_id=outcome.account_id or "",
        violation=Violation.UNKNOWN_ACCOUNT,
        detail="there are entries, but no account",
    )
