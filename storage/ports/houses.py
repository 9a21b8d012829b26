"""What whoever looks at the houses needs from the outside, in its own words."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from handlers.history.trial_balance import Totals
from handlers.model.corrupt import CorruptDocument
from handlers.model.house import HouseRow


class TakenIn(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One page of accounts that are all on the books now, and authenticated by the key in use.

    But for those that cannot be understood.
    """

    accounts: int
    """That were not on them before."""
    last: str | None
    """Where the next page starts; None at the end."""


class Houses(Protocol):
    """The sums of all houses. Every method may raise `StoreUnavailableError`."""

    async def page(self, *, after: str, limit: int) -> Sequence[HouseRow | CorruptDocument]:
        """Return up to *limit* rows with ids above *after*, ascending."""
        ...

    async def merge(self, rows: Sequence[HouseRow], *, at: datetime) -> None:
        """Put the sums of *rows* into the merged rows in their place, all of it or nothing.

        Whoever adds to one of them afterwards makes it anew; nothing is asked of its writer.

        Raises:
            LostRaceError: One of them is not as it was read, or the sum would not fit into a row.
            CommitUnknownError: It may have happened.
        """
        ...

    async def take_in(self, *, after: str, limit: int, at: datetime) -> TakenIn:
        """Take those of the next *limit* accounts after *after* into the books that are not on them.

        And authenticate those anew that are not by the key in use.

        Raises:
            LostRaceError: One of them was written meanwhile; nothing was changed.
            CommitUnknownError: They may have been taken in; the same call goes on from there.
        """
        ...

    async def note_macs(self) -> None:
        """Note that every account has a MAC: from now on one without is unreadable."""
        ...

    async def counted(self, username: str) -> Mapping[tuple[str, int], int]:
        """Return what `totals` counts of one account now, by currency and scale."""
        ...

    async def totals(self) -> Totals:
        """Return what stands in the books, users and houses as of one moment.

        Raises:
            NotMeasuredError: It took longer than the store keeps that moment.
        """
        ...
