"""Moving settled money in and out of an account."""

from typing import Annotated, TypeAlias

from pydantic import Field

from contracts.message import Command, Instant, Metadata, ShortText
from contracts.money import Amount, Currency

HOUSE_PATTERN = r"^[a-z][a-z0-9_-]{0,31}$"
"""Of a house's name: short and plain, since it stands in every entry that names it, and never the colon
that its account's name has."""

House: TypeAlias = Annotated[
    str,
    Field(
        pattern=HOUSE_PATTERN,
        description="The house account on the other side, without `house:`: `external` where it is left "
        "out, else one that the service is configured to have.",
        examples=["fees"],
    ),
]


class Movement(Command):
    """What deposit and withdraw share."""

    amount: Amount
    currency: Currency
    expires_at: Instant | None = Field(
        default=None, description="Decided later than this, the answer is `expired`."
    )
    house: House | None = None
    metadata: Metadata | None = None
    reason: ShortText | None = None
    related_id: ShortText | None = Field(
        default=None, description="An id of the sender's, such as the order that caused this."
    )


class Deposit(Movement):
    """Add settled money. A currency opens at its first deposit."""


class Withdraw(Movement):
    """Remove settled money. Held money cannot be withdrawn."""
