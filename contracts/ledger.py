"""Moving settled money in and out of an account."""

from pydantic import Field

from contracts.message import Command, Instant, Metadata, ShortText
from contracts.money import Amount, Currency


class Movement(Command):
    """What deposit and withdraw share."""

    amount: Amount
    currency: Currency
    expires_at: Instant | None = Field(
        default=None, description="Decided later than this, the answer is `expired`."
    )
    metadata: Metadata | None = None
    reason: ShortText | None = None
    related_id: ShortText | None = Field(
        default=None, description="An id of the sender's, such as the order that caused this."
    )


class Deposit(Movement):
    """Add settled money. A currency opens at its first deposit."""


class Withdraw(Movement):
    """Remove settled money. Held money cannot be withdrawn."""
