"""The bodies of what is published, each field where it stands on the wire; what is None is left out.

Structs, built by position: they are made for every command, and a dictionary takes twice as long to
make and to write.
"""

from typing import Any

import msgspec

from contracts.commands import CommandName
from contracts.message import rfc3339
from contracts.published import Status
from handlers.model.account import Account
from handlers.wire.entries import BalanceBody, balance_body


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
    entry: msgspec.Raw | None = None


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


class BalancesBody(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """As `contracts.events.Balances`."""

    username: str
    account_id: str
    sequence: int
    balances: dict[str, BalanceBody]
    changed_at: str
    hash: str | None = None


def balances_body(account: Account, currency: str | None = None) -> BalancesBody:
    """Return what *account* holds in *currency*, or in all."""
    return BalancesBody(
        account.username,
        account.account_id,
        account.sequence,
        {
            name: balance_body(balance.posted_minor, balance.held_minor, balance.scale)
            for name, balance in account.balances.items()
            if currency is None or name == currency
        },
        rfc3339(account.changed_at),
        None if account.head is None else account.head.hex(),
    )
