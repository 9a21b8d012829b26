"""What a repair needs from the outside, in its own words."""

from collections.abc import AsyncIterator, Sequence
from typing import Any, Protocol

import msgspec

from handlers.history.rebuilding import Remains
from handlers.history.repair import Repair
from handlers.model.account import Account
from handlers.model.changes import EmailClaim
from handlers.model.corrupt import CorruptDocument
from handlers.model.house import HouseRow
from handlers.model.outcome import Outcome


class FoundAccount(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What can be read of an account's document, and how to tell that nobody wrote it since."""

    remains: Remains
    seen: Any
    """For `Mending.seen`; means something to the store only."""


class Mending(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Stored in one transaction or not at all."""

    repair: Repair
    """Inserted."""
    seen: Any
    """`FoundAccount.seen`: the account is still as it was found."""
    account: Account | None
    """Put in the place of what is stored, if anything; None leaves that as it is."""
    released: Sequence[EmailClaim] = ()
    claimed: Sequence[EmailClaim] = ()
    houses: Sequence[HouseRow] = ()
    """Added to the rows with these ids."""
    discarded: bool = False
    """There is no account: whatever names it is deleted."""


class Repairs(Protocol):
    """Damaged accounts, and how they are mended. Every method may raise `StoreUnavailableError`."""

    async def find(self, username: str) -> FoundAccount:
        """Return what can be read of the account's document."""
        ...

    def decisions(self, username: str) -> AsyncIterator[Outcome | CorruptDocument]:
        """Yield one user's accepted outcomes that have no entry, in no order."""
        ...

    async def repair(self, identifier: str) -> Repair | None:
        """Return the repair with this id."""
        ...

    async def apply(self, mending: Mending) -> None:
        """Write *mending* durably (majority, journalled).

        Raises:
            LostRaceError: Something was written since it was read; nothing was changed.
            CommitUnknownError: It may have been written.
        """
        ...
