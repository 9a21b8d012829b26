"""What whoever looks at stored data, and mends it, needs from the outside, in its own words."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from handlers.history.reference import Reference, Referring
from handlers.model.account import Account
from handlers.model.corrupt import CorruptDocument
from handlers.model.outcome import Outcome
from handlers.model.unpublished import EntryRange


class References(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One page of what names accounts."""

    found: Sequence[Reference | CorruptDocument]
    looked_at: int
    """Documents gone past, roughly: more than were found where some have no account to name."""
    last: str | None
    """Where the next page starts; None at the end."""


class Changed(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Some accounts that were changed since some moment."""

    usernames: Sequence[str]
    looked_at: int
    last: str | None
    """Where to go on; None at the end."""


class Inspection(Protocol):
    """Everything stored, as last committed by a majority, damaged or not.

    Every method may raise `StoreUnavailableError`.
    """

    async def accounts(self, usernames: Collection[str]) -> Mapping[str, Account | CorruptDocument]:
        """Return the accounts that exist; missing ones are absent."""
        ...

    def entries(self, username: str, *, after: int = 0) -> AsyncIterator[Outcome | CorruptDocument]:
        """Yield one account's outcomes that have an entry, in ascending sequence, from *after* on."""
        ...

    async def references(self, collection: Referring, *, after: str, limit: int) -> References:
        """Return what names accounts among the next *limit* documents after the id *after*."""
        ...

    async def references_of(self, username: str) -> Sequence[Reference | CorruptDocument]:
        """Return what names this user's account, but for outcomes with an entry.

        Claims and ended sessions have no index by user: all are looked through, in the server.
        """
        ...

    async def able_to_sign_in(self, usernames: Collection[str]) -> Collection[str]:
        """Return those of *usernames* with a credential, or with a registration that waits for it."""
        ...

    async def repaired(self) -> Mapping[str, Sequence[EntryRange]]:
        """Return whose events were published once more by repairs, username → which."""
        ...

    async def changed(self, *, since: datetime, after: str, limit: int) -> Changed:
        """Return those of the next *limit* accounts after *after* that were changed *since*.

        No index helps here, since it would have to be written with every command: of each account
        two fields are read.
        """
        ...
