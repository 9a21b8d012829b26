"""What subscribers follow beside the entries: the latest balances, and who did what."""

from decimal import Decimal
from typing import get_args

from pydantic import Field

from contracts.commands import CommandName
from contracts.entries import HOUSE_PREFIX, BalanceState, Entry, Posting
from contracts.message import Instant, Published
from contracts.money import Amount, Currency
from contracts.published import (
    STATUSES,
    PublishedCode,
    PublishedId,
    PublishedKind,
    PublishedUsername,
    known_values,
)
from contracts.requests import REQUESTS, request_name

EXTERNAL = f"{HOUSE_PREFIX}external"
"""What all of release 0.1 was booked against."""

OTHER_ACTIONS = ("lock-out", "token-reuse", "repair", "unlock")
"""What is audited beside commands and requests: it follows from some, or operators did it."""


class BalanceChangedV1(Published):
    """One change of one balance, as release 0.1 said it of what it had decided itself.

    Such an event may be repeated still, then byte for byte; what is decided now is an `Entry`.
    """

    event_id: str = Field(description="`<account_id>:<sequence>`.")
    username: PublishedUsername
    account_id: str
    currency: Currency
    kind: PublishedKind
    amount: Amount
    before: Amount = Field(description="Posted balance before.")
    after: Amount = Field(description="Posted balance after.")
    held: Amount
    available: Amount
    sequence: int = Field(ge=1)
    command_id: PublishedId
    occurred_at: Instant
    metadata: dict[str, str] | None = Field(default=None, description="As it was sent.")
    reason: str | None = None
    related_id: str | None = None

    def entry(self) -> Entry:
        """Return what it says, as it would be said today."""
        gained, lost = self.amount, f"-{self.amount}"
        if Decimal(self.after) < Decimal(self.before):
            gained, lost = lost, gained
        shared = self.model_dump(include=Entry.model_fields.keys() & self.model_fields_set)
        return Entry(
            **shared,
            postings=(
                Posting(account=self.username, currency=self.currency, amount=gained),
                Posting(account=EXTERNAL, currency=self.currency, amount=lost),
            ),
            balances={
                self.currency: BalanceState(
                    posted=self.after, held=self.held, available=self.available
                )
            },
        )


class Balances(Published):
    """The latest balances of one account (`accounts.state.balances`, compacted).

    Readers ignore a state whose `sequence` is lower than one they have seen.
    """

    username: PublishedUsername
    account_id: str
    sequence: int = Field(ge=0)
    balances: dict[Currency, BalanceState]
    changed_at: Instant
    hash: str | None = Field(
        default=None,
        description="Of the entry with this `sequence`. Absent while nothing was written of the "
        "account since there are hashes.",
    )


class AuditRecorded(Published):
    """Who did what with which outcome (`accounts.events.audit`). Never a secret."""

    event_id: str
    username: PublishedUsername
    action: str = known_values(
        (*get_args(CommandName), *map(request_name, REQUESTS), *OTHER_ACTIONS),
        "The command's or request's name, or what followed from it, or what an operator did. Keep "
        "one that you do not know as it is.",
    )
    outcome: str = known_values(
        STATUSES, "Keep one that you do not know as it is: it is neither of these."
    )
    code: PublishedCode | None = None
    command_id: PublishedId = Field(description="Of the command, request, repair or unlocking.")
    actor: str | None = Field(default=None, description="Who asked, as the sender claimed.")
    source: str | None = Field(default=None, description="Where from, as the sender claimed.")
    session_id: str | None = Field(default=None, description="Of a sign-in, or used by a request.")
    occurred_at: Instant
    detail: str | None = None
