"""What subscribers follow: every change of a balance, its latest state, and who did what."""

from typing import get_args

from pydantic import Field

from contracts.commands import CommandName
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

OTHER_ACTIONS = ("lock-out", "token-reuse", "repair", "unlock")
"""What is audited beside commands and requests: it follows from some, or operators did it."""


class BalanceChanged(Published):
    """One change of one balance (`accounts.events.balance`).

    Per account `sequence` counts 1, 2, 3 …; an event may be repeated, then byte for byte.
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


class BalanceState(Published):
    """What is in one currency."""

    posted: Amount
    held: Amount
    available: Amount


class Balances(Published):
    """The latest balances of one account (`accounts.state.balances`, compacted).

    Readers ignore a state whose `sequence` is lower than one they have seen.
    """

    username: PublishedUsername
    account_id: str
    sequence: int = Field(ge=0)
    balances: dict[Currency, BalanceState]
    changed_at: Instant


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
