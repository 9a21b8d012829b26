"""Everything stored in memory, for whoever looks whether it is as it should be."""

from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from datetime import datetime

from handlers.history.reference import Reference, Referring
from handlers.model.account import Account
from handlers.model.corrupt import CorruptDocument
from handlers.model.outcome import Outcome
from handlers.model.unpublished import EntryRange
from storage.memory.identities import MemoryIdentities
from storage.memory.ledger import MemoryCredentials, MemoryLedger
from storage.memory.repairs import MemoryRepairs
from storage.ports.inspection import Changed, References


class MemoryInspection:
    """Sees what is committed to *ledger*, and what stands beside it."""

    def __init__(
        self,
        ledger: MemoryLedger,
        credentials: MemoryCredentials | None = None,
        identities: MemoryIdentities | None = None,
        repairs: MemoryRepairs | None = None,
    ) -> None:
        self._ledger = ledger
        self._credentials = credentials or MemoryCredentials(ledger)
        self._identities = identities or MemoryIdentities(self._credentials)
        self._repairs = repairs or MemoryRepairs(ledger)

    async def accounts(self, usernames: Collection[str]) -> Mapping[str, Account | CorruptDocument]:
        """Return the accounts that exist."""
        ledger = self._ledger
        return {
            name: ledger.corrupt.get(("accounts", name), found)
            for name in usernames
            if (found := ledger.accounts.get(name, ledger.commits))
        }

    async def entries(
        self, username: str, *, after: int = 0
    ) -> AsyncIterator[Outcome | CorruptDocument]:
        """Yield one account's outcomes that have an entry, in ascending sequence, from *after* on."""
        ledger = self._ledger
        rows = sorted(ledger.entries.items(ledger.commits), key=lambda row: row[0])
        for (owner, sequence), outcome in rows:
            if owner == username and sequence > after:
                yield ledger.corrupt.get(("outcomes", outcome.id), outcome)

    async def references(self, collection: Referring, *, after: str, limit: int) -> References:
        """Return what names accounts among the next *limit* documents after the id *after*."""
        rows = sorted(self._rows(collection), key=lambda row: row[0])
        page = [row for row in rows if row[0] > after][:limit]
        return References(
            found=[found for _, found in page if found is not None],
            looked_at=len(page),
            last=page[-1][0] if len(page) == limit else None,
        )

    async def references_of(self, username: str) -> Sequence[Reference | CorruptDocument]:
        """Return what names this user's account, but for outcomes with an entry."""
        return [
            found
            for collection in Referring
            for _, found in sorted(self._rows(collection), key=lambda row: row[0])
            if found is not None and found.username == username
        ]

    async def able_to_sign_in(self, usernames: Collection[str]) -> Collection[str]:
        """Return those of *usernames* with a credential, or with a registration that waits for it."""
        ledger = self._ledger
        waiting = {name for name, _ in ledger.registrations.items(ledger.commits)}
        return {*usernames} & (waiting | self._credentials.by_username.keys())

    async def repaired(self) -> Mapping[str, Sequence[EntryRange]]:
        """Return whose events were published once more by repairs, username → which."""
        ranges: dict[str, list[EntryRange]] = {}
        for repair in self._repairs.repairs.values():
            if repair.published is not None:
                ranges.setdefault(repair.username, []).append(repair.published)
        return ranges

    async def changed(self, *, since: datetime, after: str, limit: int) -> Changed:
        """Return those of the next *limit* accounts after *after* that were changed *since*."""
        rows = sorted(self._ledger.accounts.items(self._ledger.commits), key=lambda row: row[0])
        page = [account for name, account in rows if name > after][:limit]
        return Changed(
            usernames=[each.username for each in page if each.changed_at >= since],
            looked_at=len(page),
            last=page[-1].username if len(page) == limit else None,
        )

    def _rows(
        self, collection: Referring
    ) -> Iterator[tuple[str, Reference | CorruptDocument | None]]:
        for row_id, username, account_id in self._named(collection):
            corrupt = self._ledger.corrupt.get((collection, row_id))
            named = Reference(
                collection=collection, id=row_id, username=username, account_id=account_id
            )
            yield row_id, corrupt or (named if username else None)

    def _named(self, collection: Referring) -> Iterator[tuple[str, str, str | None]]:
        """Yield id, username (empty where no account need exist) and account id."""
        ledger = self._ledger
        match collection:
            case Referring.EMAILS:
                yield from ((*row, None) for row in ledger.emails.items(ledger.commits))
            case Referring.NAMES:
                yield from ((*row, None) for row in ledger.names.items(ledger.commits))
            case Referring.REGISTRATIONS:
                names = [name for name, _ in ledger.registrations.items(ledger.commits)]
                yield from ((name, name, None) for name in names)
            case Referring.CREDENTIALS:
                yield from ((name, name, None) for name in self._credentials.by_username)
            case Referring.SESSIONS:
                for each in self._identities.sessions.values():
                    yield each.session_id, each.username, None
            case Referring.OUTCOMES:
                for row_id, outcome in ledger.outcomes.items(ledger.commits):
                    if outcome.entry is None:  # else the account's history has it
                        named = outcome.username if outcome.account_id else ""
                        yield row_id, named, outcome.account_id
