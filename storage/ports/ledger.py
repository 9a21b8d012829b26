"""What the workers need from the outside, in their own words."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from handlers.model.account import Account
from handlers.model.changes import Changes
from handlers.model.corrupt import CorruptDocument
from handlers.model.outcome import Outcome
from handlers.model.unpublished import EntryRange


class LostRaceError(Exception):
    """Another writer got there first; gather again and decide again."""


class CommitUnknownError(Exception):
    """Nobody can say whether the commit happened; take a new writer name, then gather again."""


class StoreUnavailableError(Exception):
    """The store does not answer; wait and try again. Says which store and what to check."""


class CorruptDocumentError(Exception):
    """What was asked for is stored, but cannot be understood. Names the document, not its content."""

    def __init__(self, document: CorruptDocument) -> None:
        super().__init__(str(document))
        self.document = document


class StoreCheckError(Exception):
    """A store is not set up as it has to be. One line that says what to do."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """How a user proves who they are."""

    username: str
    command_id: str
    """The command that set it: registering again never overwrites it."""
    hash: str
    created_at: datetime
    """When this hash was made."""
    epoch: int = 0
    """Counted up with each change of password and each logout everywhere; tokens carry it."""
    version: int = 1
    """Writes so far; checked on every write but the first."""
    relied_on: int = 0
    """Sessions opened under it so far; checked on every write but the first, so that none of them
    is missed by a change of password or a logout everywhere."""


class Credentials(Protocol):
    """Password hashes, apart from everything else. May raise `StoreUnavailableError`."""

    async def existing(self, usernames: Collection[str]) -> Mapping[str, str]:
        """Return those of *usernames* that have a credential, and which command set it."""
        ...

    async def insert(self, credentials: Sequence[Credential]) -> None:
        """Store each durably unless its user has one; the waiting registration is done."""
        ...

    async def settle(self, usernames: Collection[str]) -> None:
        """Take *usernames*, which have a credential, off the waiting registrations."""
        ...

    async def count_pending(self, *, opened_before: datetime) -> int:
        """Return how many accounts opened before then still wait for their credential."""
        ...
