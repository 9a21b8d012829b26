"""Entries as bytes: rendered once, and the same in the event, in the answer and in a history."""

import msgspec

from contracts.money import SCALE_MAX, to_amount
from contracts.published import EntryKind
from handlers.model.chain import chained
from handlers.model.entry_kind import entry_kind
from handlers.model.house import house_account
from handlers.model.outcome import LedgerEntry, Outcome
from handlers.model.postings import other_side
from handlers.wire.encoding import encoded

NOTHING = tuple(to_amount(0, scale) for scale in range(SCALE_MAX + 1))
"""No money, by scale: what is held nearly always."""


class PostingBody(msgspec.Struct, frozen=True, gc=False):
    """As `contracts.entries.Posting`."""

    account: str
    currency: str
    amount: str


class BalanceBody(msgspec.Struct, frozen=True, gc=False):
    """As `contracts.entries.BalanceState`."""

    posted: str
    held: str
    overdraft: str
    available: str


class EntryBody(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """As `contracts.entries.Entry`, less its hash."""

    event_id: str
    username: str
    account_id: str | None
    sequence: int
    kind: EntryKind
    command_id: str
    occurred_at: str
    postings: list[PostingBody]
    balances: dict[str, BalanceBody]
    metadata: dict[str, str] | None = None
    reason: str | None = None
    related_id: str | None = None
    previous_hash: str | None = None


class BalanceChangedV1Body(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """As `contracts.events.BalanceChangedV1`."""

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


def event_id(outcome: Outcome, entry: LedgerEntry) -> str:
    """Return what identifies the *entry* of *outcome* everywhere."""
    return f"{outcome.account_id}:{entry.sequence}"


def entry_value(outcome: Outcome, entry: LedgerEntry, at: str) -> tuple[bytes, bytes | None]:
    """Return the *entry* of *outcome*, decided *at*, as published; and its hash where it is chained."""
    scale, currency, previous = entry.scale, entry.currency, entry.previous_hash
    house, gained_minor = other_side(entry)
    gained = lost = to_amount(entry.amount_minor, scale)
    if gained_minor < 0:  # by the house: a deposit
        lost = f"-{lost}"
    else:
        gained = f"-{gained}"
    value = encoded(
        EntryBody(
            event_id(outcome, entry),
            outcome.username,
            outcome.account_id,
            entry.sequence,
            entry_kind(outcome.type),
            outcome.command_id,
            at,
            [
                PostingBody(outcome.username, currency, gained),
                PostingBody(house_account(house), currency, lost),
            ],
            {currency: balance_body(entry.after_minor, entry.held_minor, scale)},
            None if outcome.metadata is None else dict(outcome.metadata),
            outcome.reason,
            outcome.related_id,
            None if previous is None else previous.hex(),
        )
    )
    return (value, None) if previous is None else chained(value)


def value_v1(outcome: Outcome, entry: LedgerEntry, at: str) -> bytes:
    """Return the event that release 0.1 made of *outcome*, byte for byte."""
    scale, held_minor = entry.scale, entry.held_minor
    return encoded(
        BalanceChangedV1Body(
            event_id(outcome, entry),
            outcome.username,
            outcome.account_id,
            entry.currency,
            entry_kind(outcome.type),
            to_amount(entry.amount_minor, scale),
            to_amount(entry.before_minor, scale),
            to_amount(entry.after_minor, scale),
            to_amount(held_minor, scale),
            to_amount(entry.after_minor - held_minor, scale),
            entry.sequence,
            outcome.command_id,
            at,
            None if outcome.metadata is None else dict(outcome.metadata),
            outcome.reason,
            outcome.related_id,
        )
    )


def balance_body(posted_minor: int, held_minor: int, scale: int) -> BalanceBody:
    """Return what is in one currency."""
    posted, nothing = to_amount(posted_minor, scale), NOTHING[scale]
    if not held_minor:
        return BalanceBody(posted, nothing, nothing, posted)
    available = to_amount(posted_minor - held_minor, scale)
    return BalanceBody(posted, to_amount(held_minor, scale), nothing, available)
