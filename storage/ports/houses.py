"""What whoever looks at the houses needs from the outside, in its own words."""

from collections.abc import Sequence
from typing import Protocol

from handlers.history.trial_balance import Totals
from handlers.model.corrupt import CorruptDocument
from handlers.model.house import HouseRow


class Houses(Protocol):
    """The sums of all houses. Every method may raise `StoreUnavailableError`."""

    async def page(self, *, after: str, limit: int) -> Sequence[HouseRow | CorruptDocument]:
        """Return up to *limit* rows with ids above *after*, ascending."""
        ...

    async def totals(self) -> Totals:
        """Return what stands in the books, users and houses as of one moment.

        Raises:
            NotMeasuredError: It took longer than the store keeps that moment.
        """
        ...
