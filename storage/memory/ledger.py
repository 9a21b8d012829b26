"""Every port, in memory: for tests, ours and other teams'."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from datetime import datetime
from typing import Self

from msgspec.structs import replace

from handlers.model.account import Account
from handlers.model.changes import Changes
from handlers.model.corrupt import CorruptDocument
from handlers.model.house import HouseRow
from handlers.model.outcome import Outcome
from storage.memory.tables import MemoryTable, TableDraft, Value
from storage.ports.credentials import Credential
from storage.ports.errors import CorruptDocumentError, LostRaceError
from storage.ports.ledger import EntryRange


class MemoryLedger:
    """Accounts and decisions in dictionaries. Lost when the process ends."""

    def __init__(self) -> None:
        self.accounts = MemoryTable[str, Account]()
        self.outcomes = MemoryTable[str, Outcome]()
        self.entries = MemoryTable[tuple[str, int], Outcome]()
        self.emails = MemoryTable[str, str]()
        self.names = MemoryTable[str, str]()
        self.registrations = MemoryTable[str, datetime]()
        self.houses = MemoryTable[str, HouseRow]()
        self.commits = 0
        self.corrupt: dict[tuple[str, str], CorruptDocument] = {}
        """Collection and id → what cannot be understood instead of what the tables have."""
        self._signed_off: dict[str, datetime] = {}
        self._fencing_tokens: dict[str, int] = {}

    def transaction(self) -> "MemoryTransaction":
        """Open a snapshot; leaving without `commit` undoes everything."""
        return MemoryTransaction(self)

    async def account(self, username: str) -> Account | None:
        """Return the account as last committed."""
        if corrupt := self.corrupt.get(("accounts", username)):
            raise CorruptDocumentError(corrupt)
        return self.accounts.get(username, self.commits)

    async def page(self, *, after: str, limit: int) -> Sequence[Account | CorruptDocument]:
        """Return up to *limit* accounts with usernames above *after*, ascending."""
        accounts = sorted(self.accounts.items(self.commits), key=lambda row: row[0])
        return [
            self.corrupt.get(("accounts", username), account)
            for username, account in accounts
            if username > after
        ][:limit]

    async def history(
        self, *, after: str = "", up_to: str | None = None
    ) -> AsyncIterator[Outcome | CorruptDocument]:
        """Yield outcomes that have an entry, by username, then sequence."""
        for (username, _), outcome in sorted(
            self.entries.items(self.commits), key=lambda row: row[0]
        ):
            if username > after and (up_to is None or username <= up_to):
                yield self.corrupt.get(("outcomes", outcome.id), outcome)

    async def sign_off(self, writer: str, *, at: datetime) -> None:
        """Note that *writer* has published all it wrote, and writes no more."""
        self._signed_off[writer] = at

    async def signed_off(self, writers: Collection[str]) -> Collection[str]:
        """Return those of *writers* that signed off."""
        return self._signed_off.keys() & set(writers)

    async def count_accounts(self) -> int:
        """Return how many accounts there are."""
        return sum(1 for _ in self.accounts.items(self.commits))

    async def count_outcomes(self) -> int:
        """Return how many decisions are recorded."""
        return sum(1 for _ in self.outcomes.items(self.commits))

    async def next_fencing_token(self, name: str) -> int:
        """Return a number higher than any given out for the lease *name* before."""
        self._fencing_tokens[name] = self._fencing_tokens.get(name, 0) + 1
        return self._fencing_tokens[name]


class MemoryTransaction:
    """Drafts over the snapshot, which all become visible at once."""

    def __init__(self, ledger: MemoryLedger) -> None:
        self._ledger = ledger
        self._open = False
        self._whole = True
        self._draft()

    def _draft(self) -> None:
        ledger, at = self._ledger, self._ledger.commits
        self._accounts = TableDraft(ledger.accounts, at=at)
        self._outcomes = TableDraft(ledger.outcomes, at=at)
        self._entries = TableDraft(ledger.entries, at=at)
        self._emails = TableDraft(ledger.emails, at=at)
        self._names = TableDraft(ledger.names, at=at)
        self._registrations = TableDraft(ledger.registrations, at=at)
        self._houses = TableDraft(ledger.houses, at=at)
        self._drafts = (
            *(self._accounts, self._outcomes, self._entries),
            *(self._emails, self._names, self._registrations, self._houses),
        )

    async def __aenter__(self) -> Self:
        """Take the snapshot."""
        self._draft()
        self._open = True
        return self

    async def __aexit__(self, *raised: object) -> None:
        """Undo what was not committed."""
        self._open = False
        for draft in self._drafts:
            draft.close()

    async def accounts(self, usernames: Collection[str]) -> Mapping[str, Account | CorruptDocument]:
        """Return the accounts that exist."""
        return self._found("accounts", self._accounts, usernames)

    async def outcomes(self, ids: Collection[str]) -> Mapping[str, Outcome | CorruptDocument]:
        """Return the decisions already recorded, by `Outcome.id`."""
        return self._found("outcomes", self._outcomes, ids)

    async def email_owners(self, emails: Collection[str]) -> Mapping[str, str | CorruptDocument]:
        """Return claimed address → username."""
        return self._found("emails", self._emails, emails)

    async def name_owners(self, names: Collection[str]) -> Mapping[str, str | CorruptDocument]:
        """Return claimed sign-in name → username."""
        return self._found("names", self._names, names)

    def _found(
        self, collection: str, draft: TableDraft[str, Value], ids: Collection[str]
    ) -> Mapping[str, Value | CorruptDocument]:
        assert self._open, "this transaction has ended"
        corrupt = self._ledger.corrupt
        return {
            each: corrupt.get((collection, each), found)
            for each in ids
            if (found := draft.get(each))
        }

    async def entries(self, ranges: Collection[EntryRange]) -> Sequence[Outcome | CorruptDocument]:
        """Return the outcomes with those entries, per account in ascending sequence."""
        assert self._open, "this transaction has ended"
        keys = sorted(
            (each.username, sequence)
            for each in ranges
            for sequence in range(each.after + 1, each.up_to + 1)
        )
        corrupt = self._ledger.corrupt
        return [
            corrupt.get(("outcomes", found.id), found)
            for key in keys
            if (found := self._entries.get(key))
        ]

    async def apply(self, changes: Changes) -> None:
        """Write *changes*, seen by others only after `commit`."""
        assert self._open, "this transaction has ended"
        self._whole = False
        for claim in changes.released:
            if self._emails.get(claim.email) == claim.username:
                self._emails.write(claim.email, None)
        for claim in changes.claimed:
            self._emails.insert(claim.email, claim.username)
        for name in changes.names:
            self._names.insert(name.name, name.username)
        for account in changes.accounts:
            self._store(account)
        for outcome in changes.outcomes:
            self._outcomes.insert(outcome.id, outcome)
            if outcome.entry is not None:
                self._entries.insert((outcome.username, outcome.entry.sequence), outcome)
        for account in changes.registered:
            self._registrations.write(account.username, account.changed_at)
        for row in changes.houses:
            self._houses.write(row.id, added(self._houses.get(row.id), row))
        self._whole = True

    async def commit(self) -> None:
        """Let others see it."""
        assert self._open, "this transaction has ended"
        self._open = False
        if not self._whole:
            raise LostRaceError("not everything was written, so nothing is")
        self._ledger.commits += 1
        for draft in self._drafts:
            draft.commit(self._ledger.commits)

    def _store(self, account: Account) -> None:
        stored = self._accounts.get(account.username)
        if account.version != (stored.version if stored else 0) + 1:
            raise LostRaceError(f"{account.username} was written since it was gathered")
        self._accounts.write(account.username, account)


def added(stored: HouseRow | None, row: HouseRow) -> HouseRow:
    """Return what is *stored* with the sum of *row* on top."""
    return row if stored is None else replace(row, sum_minor=stored.sum_minor + row.sum_minor)


class MemoryCredentials:
    """Password hashes in a dictionary, and the registrations of *ledger* that wait for theirs."""

    def __init__(self, ledger: MemoryLedger) -> None:
        self._ledger = ledger
        self.by_username: dict[str, Credential] = {}

    async def existing(self, usernames: Collection[str]) -> Mapping[str, str]:
        """Return those of *usernames* that have a credential, and which command set it."""
        return {
            name: self.by_username[name].command_id
            for name in usernames
            if name in self.by_username
        }

    async def insert(self, credentials: Sequence[Credential]) -> None:
        """Store each unless its user has one; the waiting registration is done."""
        for credential in credentials:
            self.by_username.setdefault(credential.username, credential)
        await self.settle([each.username for each in credentials])

    async def settle(self, usernames: Collection[str]) -> None:
        """Take *usernames*, which have a credential, off the waiting registrations."""
        self._ledger.commits += 1
        for username in usernames:
            self._ledger.registrations.put(username, None, self._ledger.commits)

    async def count_pending(self, *, opened_before: datetime) -> int:
        """Return how many accounts opened before then still wait for their credential."""
        waiting = self._ledger.registrations.items(self._ledger.commits)
        return sum(opened_at < opened_before for _, opened_at in waiting)
