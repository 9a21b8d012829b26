"""Short ways to say the usual thing; name only what the test is about."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from msgspec.structs import replace

from handlers.model.account import Account, Balance, Profile
from handlers.model.chain import chain_start
from handlers.model.changes import Changes, EmailClaim
from handlers.model.corrupt import CorruptDocument
from handlers.model.house import HouseRow
from handlers.model.outcome import UNCHAINED, LedgerEntry, Outcome, Source, Trace
from handlers.wire.rendering import Rendering

Stored = TypeVar("Stored")

NOON = datetime(2030, 1, 1, 12, 0, 0, 123_000, tzinfo=UTC)


def an_account(
    username: str = "alice",
    *,
    posted_minor: int | None = None,
    balances: Mapping[str, Balance] | None = None,
    **changed: Any,
) -> Account:
    """Return an account just opened, or with that much in USD."""
    if posted_minor is not None:
        balances = {"USD": Balance(posted_minor=posted_minor, scale=2)}
    account = Account(
        username=username,
        account_id=f"id-of-{username}",
        profile=Profile(email=f"{username}@example.com", first_name="Given", last_name="Family"),
        balances=balances or {},
        sequence=0,
        version=1,
        writer="a-writer",
        published_sequence=0,
        opened_at=NOON,
        changed_at=NOON,
    )
    return replace(account, **changed)


def an_entry(sequence: int = 1, **changed: Any) -> LedgerEntry:
    """Return a deposit of 10.00 USD onto nothing."""
    entry = LedgerEntry(
        sequence=sequence,
        currency="USD",
        scale=2,
        amount_minor=1000,
        before_minor=0,
        after_minor=1000,
        held_minor=0,
        previous_hash=chain_start("id-of-alice"),
    )
    return replace(entry, **changed)


def an_outcome(
    username: str = "alice",
    command_id: str | None = None,
    *,
    sequence: int | None = None,
    **changed: Any,
) -> Outcome:
    """Return an accepted deposit where there is a *sequence*, else an accepted register."""
    command_id = f"command-{sequence or 0}" if command_id is None else command_id
    outcome = Outcome(
        username=username,
        command_id=command_id,
        type="register" if sequence is None else "deposit",
        fingerprint=bytes(range(32)),
        account_id=f"id-of-{username}",
        decided_at=NOON,
        source=Source(topic="accounts.commands.deposit", partition=3, offset=2**40),
        trace=Trace(correlation_id=command_id),
        entry=None
        if sequence is None
        else an_entry(sequence, previous_hash=chain_start(f"id-of-{username}")),
    )
    return replace(outcome, **changed)


def a_chain(*outcomes: Outcome) -> list[Outcome]:
    """Return *outcomes*, those of one account in their order, each with the hash of the one before."""
    heads: dict[str, bytes | None] = {}
    chain: list[Outcome] = []
    for outcome in outcomes:
        chain.append(outcome)
        if outcome.entry is not None and outcome.schema != UNCHAINED:
            assert outcome.account_id is not None
            head = heads.get(outcome.username) or chain_start(outcome.account_id)
            chain[-1] = replace(outcome, entry=replace(outcome.entry, previous_hash=head))
            heads[outcome.username] = Rendering(chain[-1]).entry_hash
    return chain


def some_changes(**changed: Any) -> Changes:
    """Return what to write, nothing but what is named."""
    nothing = Changes(accounts=(), outcomes=(), released=(), claimed=(), names=(), registered=())
    return replace(nothing, **changed)


def a_row(writer: str = "me:0", sum_minor: int = -1000, house: str = "external") -> HouseRow:
    """Return what a lane adds."""
    return HouseRow(
        writer=writer,
        house=house,
        currency="USD",
        scale=2,
        sum_minor=sum_minor,
        changed_at=NOON,
    )


def a_claim(email: str = "alice@example.com", username: str = "alice") -> EmailClaim:
    """Return a claim of *email*."""
    return EmailClaim(email=email, username=username)


def readable(found: Iterable[Stored | CorruptDocument]) -> list[Stored]:
    """Return *found*, in which nothing is corrupt."""
    documents: list[Stored] = []
    for each in found:
        assert not isinstance(each, CorruptDocument), each
        documents.append(each)
    return documents
