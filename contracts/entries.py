"""One entry of an account: what events, results and histories say of a change, in the same bytes."""

from pydantic import Field

from contracts.message import Instant, Published
from contracts.money import Amount, Currency, SignedAmount
from contracts.published import PublishedId, PublishedKind, PublishedUsername

HOUSE_PREFIX = "house:"
"""Begins the name of an account of the house; a username has no colon."""


class Posting(Published):
    """What one account gains by an entry, or loses."""

    account: str = Field(
        description="A username, or `house:` and the name of an account of the house. Most "
        "deposits and withdrawals are booked against `house:external`: the world outside.",
        examples=["alice", "house:external"],
    )
    currency: Currency
    amount: SignedAmount = Field(description="Above zero where that account gains.")


class BalanceState(Published):
    """What is in one currency."""

    posted: SignedAmount = Field(description="What all entries so far come to.")
    held: Amount = Field(description="Of it, what is reserved and cannot be withdrawn.")
    overdraft: Amount = Field(
        default="0",
        description="How far `posted` may go below zero. Absent in what was said before there "
        "was one: then it is zero.",
    )
    available: SignedAmount = Field(description="`posted` less `held`, and `overdraft` on top.")


class Entry(Published):
    """One entry of one account: its postings come to zero in every currency.

    Per account `sequence` counts 1, 2, 3 …
    """

    event_id: str = Field(description="`<account_id>:<sequence>`.")
    username: PublishedUsername
    account_id: str
    sequence: int = Field(ge=1, description="Place in the account's history, without gaps.")
    kind: PublishedKind
    command_id: PublishedId
    occurred_at: Instant
    postings: tuple[Posting, ...]
    balances: dict[Currency, BalanceState] = Field(
        description="This user's after the entry, in each currency that it touched."
    )
    metadata: dict[str, str] | None = Field(default=None, description="As it was sent.")
    reason: str | None = None
    related_id: str | None = None
    previous_hash: str | None = Field(
        default=None,
        description="`hash` of the entry before. Of the first it is the SHA-256 of the account "
        "id, a line break and `0`. Absent, as `hash` is, in entries older than the chain.",
    )
    hash: str | None = Field(
        default=None,
        description="SHA-256, in hexadecimal, of the bytes of this entry as published, up to and "
        'without `,"hash"`. Who kept a later one can show whether an earlier entry was changed.',
    )

    @property
    def moved(self) -> tuple[Posting, ...]:
        """What its own user gained or lost."""
        return tuple(each for each in self.postings if each.account == self.username)
