"""What subscribers follow: every change of a balance, its latest state, and who did what."""

from typing import Literal

from pydantic import Field

from contracts.codes import Code
from contracts.message import CommandId, Instant, Metadata, Published, ShortText, Username
from contracts.money import Amount, Currency


class BalanceChanged(Published):
    """One change of one balance (`accounts.events.balance`).

    Per account `sequence` counts 1, 2, 3 …; an event may be repeated, then byte for byte.
    """

    event_id: str = Field(description="`<account_id>:<sequence>`.")
    username: Username
    account_id: str
    currency: Currency
    kind: Literal["deposited", "withdrawn"]
    amount: Amount
    before: Amount = Field(description="Posted balance before.")
    after: Amount = Field(description="Posted balance after.")
    held: Amount
    available: Amount
    sequence: int = Field(ge=1)
    command_id: CommandId
    occurred_at: Instant
    metadata: Metadata | None = None
    reason: ShortText | None = None
    related_id: ShortText | None = None


class BalanceState(Published):
    """What is in one currency."""

    posted: Amount
    held: Amount
    available: Amount


class Balances(Published):
    """The latest balances of one account (`accounts.state.balances`, compacted).

    Readers ignore a state whose `sequence` is lower than one they have seen.
    """

    username: Username
    account_id: str
    sequence: int = Field(ge=0)
    balances: dict[Currency, BalanceState]
    changed_at: Instant


class AuditRecorded(Published):
    """Who did what with which outcome (`accounts.events.audit`). Never a secret."""

    event_id: str
    username: Username
    action: str = Field(
        description="The command's or request's name, or `lock-out`, `token-reuse`, `repair`, "
        "`unlock`."
    )
    outcome: Literal["accepted", "rejected"]
    code: Code | None = None
    command_id: CommandId = Field(description="Of the command, request, repair or unlocking.")
    actor: str | None = Field(default=None, description="Who asked, as the sender claimed.")
    source: str | None = Field(default=None, description="Where from, as the sender claimed.")
    session_id: str | None = Field(default=None, description="Of a sign-in, or used by a request.")
    occurred_at: Instant
    detail: str | None = None
