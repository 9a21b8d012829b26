"""What deciding commands needs of a store."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol

from handlers.model.account import Account
from handlers.model.changes import Changes
from handlers.model.corrupt import CorruptDocument
from handlers.model.outcome import Outcome
from handlers.model.unpublished import EntryRange


class LedgerTransaction(Protocol):
    """One snapshot to decide on, and one write. Calls are made one at a time.

    What is stored and cannot be understood is returned as such, beside the rest.
    """

    async def accounts(self, usernames: Collection[str]) -> Mapping[str, Account | CorruptDocument]:
        """Return the accounts that exist; missing ones are absent."""
        ...

    async def outcomes(self, ids: Collection[str]) -> Mapping[str, Outcome | CorruptDocument]:
        """Return the decisions already recorded, by `Outcome.id`."""
        ...

    async def email_owners(self, emails: Collection[str]) -> Mapping[str, str | CorruptDocument]:
        """Return claimed address → username."""
        ...

    async def name_owners(self, names: Collection[str]) -> Mapping[str, str | CorruptDocument]:
        """Return claimed sign-in name → username."""
        ...

    async def entries(self, ranges: Collection[EntryRange]) -> Sequence[Outcome | CorruptDocument]:
        """Return the outcomes with those entries, per account in ascending sequence."""
        ...

    async def apply(self, changes: Changes) -> None:
        """Write *changes*, seen by others only after `commit`.

        Raises:
            LostRaceError: An account, claim or outcome is not as it was gathered.
        """
        ...

    async def commit(self) -> None:
        """Make it durable (majority, journalled); also needed where nothing was written.

        Raises:
            LostRaceError: Nothing was committed, for certain.
            CommitUnknownError: It may have been, whatever the answer was.
        """
        ...


class Ledger(Protocol):
    """Accounts and the decisions on them. Every method may raise `StoreUnavailableError`."""

    def transaction(self) -> AbstractAsyncContextManager[LedgerTransaction]:
        """Open a snapshot; leaving without `commit` undoes everything."""
        ...

    async def account(self, username: str) -> Account | None:
        """Return the account as last committed by a majority.

        Raises:
            CorruptDocumentError: It cannot be understood.
        """
        ...

    async def page(self, *, after: str, limit: int) -> Sequence[Account | CorruptDocument]:
        """Return up to *limit* accounts with usernames above *after*, ascending."""
        ...

    def history(
        self, *, after: str = "", up_to: str | None = None
    ) -> AsyncIterator[Outcome | CorruptDocument]:
        """Yield outcomes that have an entry, by username, then sequence.

        Usernames above *after* and at most *up_to*.
        """
        ...

    async def sign_off(self, writer: str, *, at: datetime) -> None:
        """Note durably that *writer* has published all it wrote, and writes no more."""
        ...

    async def signed_off(self, writers: Collection[str]) -> Collection[str]:
        """Return those of *writers* that signed off; after long it may be forgotten."""
        ...

    async def count_accounts(self) -> int:
        """Return roughly how many accounts there are."""
        ...

    async def count_outcomes(self) -> int:
        """Return roughly how many decisions are recorded."""
        ...
