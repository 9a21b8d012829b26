"""Committing in one line, for tests about something else."""

from typing import Any

from handlers.model.house import HouseRow
from storage.ports.ledger import Ledger
from tests.builders import some_changes


async def write(ledger: Ledger, **changes: Any) -> None:
    """Write all of it in one transaction of its own, as `tests.builders.some_changes` takes it."""
    async with ledger.transaction() as transaction:
        await transaction.apply(some_changes(**changes))
        await transaction.commit()


async def book(ledger: Ledger, *rows: HouseRow, **changes: Any) -> None:
    """Write *rows* of house sums, and all else, in one transaction of its own."""
    await write(ledger, houses=rows, **changes)
