"""What the query worker needs from the outside, in its own words."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from handlers.history.pages import EntryQuery
from handlers.model.account import Account
from handlers.model.outcome import Outcome


class Reads(Protocol):
    """Accounts and decisions, as last committed by a majority: what no election can undo.

    Whoever has seen the result of a command sees its effect here. Every method may raise
    `StoreUnavailableError`, and `CorruptDocumentError` where something asked for cannot be understood.
    """

    async def accounts(self, usernames: Collection[str]) -> Mapping[str, Account]:
        """Return the accounts that exist; missing ones are absent."""
        ...

    async def outcomes(self, ids: Collection[str]) -> Mapping[str, Outcome]:
        """Return the decisions recorded, by `Outcome.id`; missing ones are absent."""
        ...

    async def entries(self, stretch: EntryQuery) -> Sequence[Outcome]:
        """Return the outcomes of one stretch of an account's history, in its order."""
        ...
