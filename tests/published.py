"""Entries as callers read them, from any service."""

from datetime import UTC, datetime
from typing import Any

from contracts.entries import BalanceState, Entry, Posting

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)


def an_entry(
    sequence: int, posted: str, username: str = "alice", currency: str = "USD", **told: Any
) -> Entry:
    """Return an entry that leaves *posted*; a deposit of 1.00 unless told otherwise."""
    amount: str = told.pop("amount", "1.00")
    other = amount.removeprefix("-") if amount.startswith("-") else f"-{amount}"
    usual: dict[str, Any] = {
        "event_id": f"id:{sequence}",
        "account_id": "id",
        "kind": "deposited",
        "command_id": str(sequence),
        "occurred_at": NOON,
    }
    return Entry(
        sequence=sequence,
        username=username,
        postings=(
            Posting(account=username, currency=currency, amount=amount),
            Posting(account="house:external", currency=currency, amount=other),
        ),
        balances={currency: BalanceState(posted=posted, held="0.00", available=posted)},
        **(usual | told),
    )
