"""Committing in one line, for tests about something else."""

from typing import Any

from storage.ports.ledger import Ledger
from tests.builders import some_changes


async def write(ledger: Ledger, **changes: Any) -> None:
    """Write all of it in one transaction of its own, as `tests.builders.some_changes` takes it."""
    async with ledger.transaction() as transaction:
        await transaction.apply(some_changes(**changes))
        await transaction.commit()
