"""What is written down of a decision: the account after it, the outcome, and the new mark."""

from collections.abc import Mapping
from datetime import datetime

import msgspec

from contracts.commands import is_movement
from handlers.ledger.decide import decide
from handlers.ledger.evolve import NOT_STORED, evolve
from handlers.model.account import BOOKED, Account
from handlers.model.changes import Owners
from handlers.model.decision import Decision, Moved, Opened, ProfileChanged, TakenOver
from handlers.model.input_records import CommandRecord
from handlers.model.outcome import LedgerEntry, Outcome
from handlers.model.refused import Refused
from handlers.model.rules import Rules
from handlers.wire.rendering import Rendering


class WriterMark(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Who writes, and which of their events Kafka has not acknowledged yet."""

    writer: str
    unacknowledged: Mapping[str, int]
    """Username → lowest sequence in any of the writer's cycles not fully acknowledged."""
    acknowledged: Mapping[str, int] = {}
    """Username → sequence up to which the writer saw every event acknowledged. Of accounts that
    others write, too."""
    lane: int = 0
    """Which of the writer's lanes: each has house rows of its own."""


def stamped(before: Account | None, after: Account, stamp: WriterMark) -> Account:
    """Sign *after*, which is on the books from now on, and say how far its events are known published.

    What another writer may owe is published before our own; how far its events are out is said only
    as far as we saw Kafka acknowledge them.
    """
    version = before.version if before else NOT_STORED
    published = after.published_sequence
    if before is not None and before.writer == stamp.writer:
        low = stamp.unacknowledged.get(after.username)
        if low is None and after.sequence > before.sequence:
            low = before.sequence + 1
        published = after.sequence if low is None else low - 1
    elif before is not None and (known := stamp.acknowledged.get(after.username)):
        published = max(published, min(known, before.sequence))
    # Written out for the same reason as in `handlers.ledger.evolve`.
    return Account(
        username=after.username,
        account_id=after.account_id,
        profile=after.profile,
        balances=after.balances,
        sequence=after.sequence,
        version=version + 1,
        writer=stamp.writer,
        published_sequence=published,
        opened_at=after.opened_at,
        changed_at=after.changed_at,
        signs_in=after.signs_in,
        head=after.chain_head,
        books=BOOKED,
        claim_digest=after.claim_digest,
    )


_OF_AN_ACCOUNT = (Moved, ProfileChanged, TakenOver)
"""Decisions that change an account there is. Made once: a union would be made for every command."""


class Conclusion(msgspec.Struct, frozen=True, gc=False):
    """A decision, and what follows from it."""

    decision: Decision
    account: Account | None
    """As it is after the decision; None where none exists."""
    outcome: Outcome
    rendering: Rendering
    """What the outcome says: rendered once, since the account keeps the hash of its entry."""


def conclude(
    account: Account | None,
    received: CommandRecord,
    owners: Owners,
    *,
    rules: Rules,
    now: datetime,
) -> Conclusion | Refused:
    """Decide one command and work out what it leaves behind; nothing, where it is no decision."""
    decision = decide(account, received, owners, rules=rules, now=now)
    if isinstance(decision, Refused) and not decision.code.info.recorded:
        return decision
    at = now
    if account is not None and account.changed_at > at:
        # What is written of an account never goes back in time, even where a worker whose clock is
        # ahead wrote last. Whether the command came in time is for our own clock to say.
        at = account.changed_at
    if isinstance(decision, Opened):
        account = evolve(account, decision, received, now=at)
    outcome = _outcome(received, decision, account, at, rules.schema)
    rendering = Rendering(outcome)
    if isinstance(decision, _OF_AN_ACCOUNT):
        account = evolve(account, decision, received, now=at, head=rendering.entry_hash)
    return Conclusion(decision, account, outcome, rendering)


def _outcome(
    received: CommandRecord,
    decision: Decision,
    account: Account | None,
    now: datetime,
    schema: int,
) -> Outcome:
    """Return what is recorded; *account* is as it was before, unless it was just opened."""
    command = received.command
    code, detail, entry = None, None, None
    match decision:
        case Moved():
            assert account is not None
            entry = _entry(account, decision)
        case Refused():
            code, detail = decision.code, decision.detail
        case ProfileChanged() | TakenOver():
            detail = decision.detail
        case Opened():
            pass
    movement = command if is_movement(command) else None
    return Outcome(
        username=command.username,
        command_id=command.command_id,
        type=received.type,
        fingerprint=received.fingerprint,
        account_id=account.account_id if account else None,
        decided_at=now,
        source=received.source,
        trace=received.trace,
        code=code,
        detail=detail,
        entry=entry,
        actor=received.actor,
        reason=movement.reason if movement else None,
        related_id=movement.related_id if movement else None,
        metadata=tuple(movement.metadata.items()) if movement and movement.metadata else None,
        schema=schema,
    )


def _entry(account: Account, moved: Moved) -> LedgerEntry:
    """Return the next entry of *account*."""
    return LedgerEntry(
        sequence=account.sequence + 1,
        currency=moved.currency,
        scale=moved.scale,
        amount_minor=moved.amount_minor,
        before_minor=moved.before_minor,
        after_minor=moved.after_minor,
        held_minor=moved.held_minor,
        house=moved.house,
        previous_hash=account.chain_head,
    )
