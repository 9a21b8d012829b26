"""What became of one command: all that is needed to say it again, byte for byte."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from contracts.codes import Code
from contracts.commands import CommandName
from contracts.money import AMOUNT_MINOR_MAX
from handlers.model.schema import NEWEST, OLDEST

SCHEMA = NEWEST
"""How an outcome is rendered at most. A change of any byte of its event needs the next number."""

UNCHAINED = OLDEST
"""`Outcome.schema` of what was decided before entries had postings and hashes."""


class Source(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Where a record stands: it is the same record only if all three are equal."""

    topic: str
    partition: int
    offset: int


class BalanceChange(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One balance before and after, in minor units of *scale* decimals."""

    currency: str
    scale: int
    amount_minor: int
    before_minor: int
    after_minor: int
    held_minor: int
    house: str | None = None
    """On the other side; None for `handlers.model.house.EXTERNAL`, as nearly always."""


class LedgerEntry(BalanceChange, frozen=True, kw_only=True, gc=False):
    """One change of one balance, as the account counts them."""

    sequence: int
    previous_hash: bytes | None = None
    """Of the entry before, or `handlers.model.chain.chain_start`; None before there was a chain."""

    def __post_init__(self) -> None:
        """Check that the entry moves exactly its amount, between values that a balance may have."""
        assert self.sequence >= 1
        assert 0 <= self.held_minor <= self.after_minor <= AMOUNT_MINOR_MAX
        assert 0 <= self.before_minor <= AMOUNT_MINOR_MAX
        assert abs(self.after_minor - self.before_minor) == self.amount_minor > 0


class Trace(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What ties a message to its cause, as the sender gave it."""

    correlation_id: str
    traceparent: str | None = None
    tracestate: str | None = None


def outcome_id(username: str, command_id: str) -> str:
    """Return what identifies a decision; a username has no colon, so it is unambiguous."""
    return f"{username}:{command_id}"


class Outcome(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The one decision on `(username, command_id)`. Holds no profile data."""

    username: str
    command_id: str
    type: CommandName
    fingerprint: bytes
    """Of the command's type and canonical body: tells a repeat from a conflict."""
    account_id: str | None
    """None where the account does not exist."""
    decided_at: datetime
    source: Source
    trace: Trace
    code: Code | None = None
    """None where the command was accepted."""
    detail: str | None = None
    entry: LedgerEntry | None = None
    actor: str | None = None
    reason: str | None = None
    related_id: str | None = None
    metadata: Sequence[tuple[str, str]] | None = None
    schema: int = SCHEMA

    def __post_init__(self) -> None:
        """Check that a refusal moved nothing, and that an entry is chained from its schema on."""
        entry = self.entry
        if entry is not None:
            assert self.code is None
            assert (entry.previous_hash is None) is (self.schema == UNCHAINED)

    @property
    def id(self) -> str:
        """What identifies this decision."""
        return outcome_id(self.username, self.command_id)
