"""Committing in one line, for tests about something else."""

from collections.abc import Sequence

from handlers.model.account import Account
from handlers.model.changes import EmailClaim
from handlers.model.outcome import Outcome
from storage.ports.ledger import Ledger
from tests.builders import some_changes


async def write(
    ledger: Ledger,
    *,
    accounts: Sequence[Account] = (),
    outcomes: Sequence[Outcome] = (),
    released: Sequence[EmailClaim] = (),
    claimed: Sequence[EmailClaim] = (),
    opened: Sequence[Account] = (),
) -> None:
    """Write all of it in one transaction of its own."""
    async with ledger.transaction() as transaction:
        await transaction.apply(
            some_changes(
                accounts=accounts,
                outcomes=outcomes,
                released=released,
                claimed=claimed,
                opened=opened,
            )
        )
        await transaction.commit()
