"""The bodies of what is published, each field where it stands on the wire; what is None is left out.

Structs, built by position: they are made for every command, and a dictionary takes twice as long to
make and to write.
"""

from typing import Any

import msgspec

from contracts.commands import CommandName
from contracts.message import rfc3339
from contracts.money import SCALE_MAX, to_amount
from contracts.published import EntryKind, Status
from handlers.model.account import Account, Balance
from handlers.model.outcome import LedgerEntry

NOTHING = tuple(to_amount(0, scale) for scale in range(SCALE_MAX + 1))
"""No money, by scale: what is held nearly always."""


class Amounts(msgspec.Struct, frozen=True, gc=False):
    """An entry's amounts as decimal strings: the result and the event say the same."""

    amount: str
    before: str
    after: str
    held: str
    available: str

    @classmethod
    def of(cls, entry: LedgerEntry) -> "Amounts":
        """Return them as written."""
        scale = entry.scale
        after = to_amount(entry.after_minor, scale)
        held_minor = entry.held_minor
        return cls(
            to_amount(entry.amount_minor, scale),
            to_amount(entry.before_minor, scale),
            after,
            to_amount(held_minor, scale) if held_minor else NOTHING[scale],
            to_amount(entry.after_minor - held_minor, scale) if held_minor else after,
        )


class EntryBody(msgspec.Struct, frozen=True, gc=False):
    """As `contracts.results.Entry`."""

    sequence: int
    amount: str
    currency: str
    before: str
    after: str
    available: str


class ResultBody(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """As `contracts.results.Result`."""

    command_id: str
    username: str
    type: CommandName
    status: Status
    duplicate: bool
    decided_at: str
    error: dict[str, Any] | None = None
    account_id: str | None = None
    entry: EntryBody | None = None


class BalanceChangedBody(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """As `contracts.events.BalanceChanged`."""

    event_id: str
    username: str
    account_id: str | None
    currency: str
    kind: EntryKind
    amount: str
    before: str
    after: str
    held: str
    available: str
    sequence: int
    command_id: str
    occurred_at: str
    metadata: dict[str, str] | None = None
    reason: str | None = None
    related_id: str | None = None


class AuditBody(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """As `contracts.events.AuditRecorded`, of a command, a request or an operator's act."""

    event_id: str
    username: str
    action: str
    outcome: Status
    command_id: str
    occurred_at: str
    code: str | None = None
    actor: str | None = None
    detail: str | None = None
    source: str | None = None
    session_id: str | None = None


class BalanceBody(msgspec.Struct, frozen=True, gc=False):
    """As `contracts.events.BalanceState`."""

    posted: str
    held: str
    available: str


class BalancesBody(msgspec.Struct, frozen=True, gc=False):
    """As `contracts.events.Balances`."""

    username: str
    account_id: str
    sequence: int
    balances: dict[str, BalanceBody]
    changed_at: str


def entry_body(entry: LedgerEntry, amounts: Amounts) -> EntryBody:
    """Return what a result says of the change it made."""
    return EntryBody(
        entry.sequence,
        amounts.amount,
        entry.currency,
        amounts.before,
        amounts.after,
        amounts.available,
    )


def balances_body(account: Account, currency: str | None = None) -> BalancesBody:
    """Return what *account* holds in *currency*, or in all."""
    return BalancesBody(
        account.username,
        account.account_id,
        account.sequence,
        {
            name: _balance_body(balance)
            for name, balance in account.balances.items()
            if currency is None or name == currency
        },
        rfc3339(account.changed_at),
    )


def _balance_body(balance: Balance) -> BalanceBody:
    scale = balance.scale
    posted = to_amount(balance.posted_minor, scale)
    if not balance.held_minor:
        return BalanceBody(posted, NOTHING[scale], posted)
    return BalanceBody(
        posted, to_amount(balance.held_minor, scale), to_amount(balance.available_minor, scale)
    )
