"""Whether an account is what its entries say: every one computed again."""

from handlers.history.discrepancy import Discrepancy, Violation, corrupt_document
from handlers.history.entries import Entries
from handlers.model.account import Account
from handlers.model.corrupt import CorruptDocument
from handlers.model.outcome import Outcome

DISCREPANCIES_MAX = 20
"""Reported per account: enough to see the pattern, few enough to read."""


class Recount:
    """Compute one account again from its entries, given in ascending sequence."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._entries = Entries()
        self._found: list[Discrepancy] = []
        self._ahead = 0

    def add(self, outcome: Outcome | CorruptDocument) -> None:
        """Take the next outcome that has an entry, or had one before it was damaged."""
        if isinstance(outcome, CorruptDocument):
            self._entries.skip(outcome)
            return
        account = self._account
        assert outcome.entry is not None, "only outcomes with an entry belong to a history"
        if outcome.entry.sequence > account.sequence:
            self._ahead = outcome.entry.sequence
            return
        if self._entries.sequence == 0:
            self._entries.account_id = account.account_id
        for violation, detail in self._entries.add(outcome):
            self._note(violation, detail)

    def finish(self) -> list[Discrepancy]:
        """Return all that does not hold, at most `DISCREPANCIES_MAX`."""
        for document in self._entries.corrupt:
            self._found.append(corrupt_document(document))
        if not self._entries.corrupt:
            self._sums()
            self._sequences()
            self._head()
        self._held()
        self._times()
        return self._found[:DISCREPANCIES_MAX]

    def _sums(self) -> None:
        balances, entries = self._account.balances, self._entries
        for currency in sorted(balances.keys() | entries.posted_minor.keys()):
            balance = balances.get(currency)
            is_minor = balance.posted_minor if balance else 0
            should_minor = entries.posted_minor.get(currency, 0)
            if is_minor != should_minor:
                self._note(
                    Violation.WRONG_SUM,
                    f"{is_minor} {currency} posted, the entries add up to {should_minor}",
                )
            scale = entries.scales.get(currency)
            if balance is not None and scale is not None and balance.scale != scale:
                self._note(
                    Violation.WRONG_SCALE,
                    f"the entries have {scale} decimals, the {currency} balance {balance.scale}",
                )

    def _sequences(self) -> None:
        account, last = self._account, self._entries.sequence
        if last != account.sequence:
            self._note(
                Violation.WRONG_SEQUENCE,
                f"sequence {account.sequence}, the last entry is {last}",
            )
        if self._ahead:
            self._note(
                Violation.ENTRIES_AHEAD,
                f"sequence {account.sequence}, but there is entry {self._ahead}",
            )

    def _head(self) -> None:
        account = self._account
        if account.head is not None and account.head != self._entries.head_of(account.account_id):
            self._note(Violation.WRONG_HASH, "the account keeps another hash than its last entry's")

    def _held(self) -> None:
        for currency, balance in self._account.balances.items():
            if balance.held_minor:
                self._note(
                    Violation.HELD_WITHOUT_HOLD,
                    f"{balance.held_minor} {currency} are held, and there is no hold",
                )

    def _times(self) -> None:
        """Times within an account never go back, and each of them is of another write."""
        account, entries = self._account, self._entries
        if account.changed_at < account.opened_at:
            self._note(Violation.WRONG_TIME, "changed before it was opened")
        if entries.first_at is not None and entries.first_at < account.opened_at:
            self._note(Violation.WRONG_TIME, "its first entry was decided before it was opened")
        if entries.last_at is not None and entries.last_at > account.changed_at:
            self._note(Violation.WRONG_TIME, "its last entry was decided after it was changed")
        # The write that opened it may be the one with the first entries.
        writes = entries.writes + (entries.first_at != account.opened_at)
        if account.version < writes:
            self._note(
                Violation.WRONG_VERSION,
                f"version {account.version}, its entries took at least {writes} writes",
            )

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


def unknown_account(outcome: Outcome) -> Discrepancy:
    """Return what to report of an entry whose account does not exist."""
    return Discrepancy(
        username=outcome.username,
        account_id=outcome.account_id or "",
        violation=Violation.UNKNOWN_ACCOUNT,
        detail="there are entries, but no account",
    )
