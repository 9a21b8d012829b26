"""Outcomes as MongoDB gives them back, checked as `storage.mongo.documents.stored` checks everything."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from contracts.codes import Code
from contracts.commands import CommandName
from handlers.model.corrupt import CorruptDocument
from handlers.model.outcome import LedgerEntry, Outcome, Source, Trace
from storage.mongo.documents.stored import (
    Hash,
    Minor,
    Scale,
    Schema,
    Version,
    corrupt,
    utc,
    with_money,
)
from storage.ports.errors import CorruptDocumentError


class _StoredEntry(msgspec.Struct, frozen=True, gc=False):
    currency: str
    scale: Scale
    amount_minor: Minor
    before_minor: Minor
    after_minor: Minor
    held_minor: Minor
    house: str | None = None
    previous_hash: Hash | None = None


class _StoredOutcome(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    id: str = msgspec.field(name="_id")
    username: str
    type: CommandName
    fingerprint: bytes
    decided_at: datetime
    source: Source
    schema: Schema
    correlation_id: str | None = None
    """None where it is the command's id."""
    account_id: str | None = None
    code: Code | None = None
    detail: str | None = None
    sequence: Version | None = None
    entry: _StoredEntry | None = None
    actor: str | None = None
    reason: str | None = None
    related_id: str | None = None
    metadata: list[tuple[str, str]] | None = None
    traceparent: str | None = None
    tracestate: str | None = None


def to_outcome(document: Mapping[str, Any]) -> Outcome:
    """Return the outcome that `storage.mongo.documents.accounts.from_outcome` stored.

    Raises:
        CorruptDocumentError: It did not store this.
    """
    stored = with_money(document, _StoredOutcome, "outcomes", "entry")
    username = stored.username
    if not stored.id.startswith(f"{username}:"):
        raise corrupt(document, "outcomes", "username")
    command_id = stored.id[len(username) + 1 :]
    correlation_id = command_id if stored.correlation_id is None else stored.correlation_id
    try:
        return Outcome(
            username=username,
            command_id=command_id,
            type=stored.type,
            fingerprint=stored.fingerprint,
            account_id=stored.account_id,
            decided_at=utc(stored.decided_at),
            source=stored.source,
            trace=Trace(
                correlation_id=correlation_id,
                traceparent=stored.traceparent,
                tracestate=stored.tracestate,
            ),
            code=stored.code,
            detail=stored.detail,
            entry=_to_entry(document, stored),
            actor=stored.actor,
            reason=stored.reason,
            related_id=stored.related_id,
            metadata=None if stored.metadata is None else tuple(stored.metadata),
            schema=stored.schema,
        )
    except AssertionError:
        raise corrupt(document, "outcomes", "entry") from None


def outcome_or_corrupt(document: Mapping[str, Any]) -> Outcome | CorruptDocument:
    """Return what `to_outcome` returns, or what is wrong: one of many must not cost the others."""
    try:
        return to_outcome(document)
    except CorruptDocumentError as error:
        return error.document


def _to_entry(document: Mapping[str, Any], stored: _StoredOutcome) -> LedgerEntry | None:
    entry, sequence = stored.entry, stored.sequence
    if entry is None and sequence is None:
        return None
    if entry is None or sequence is None:
        raise corrupt(document, "outcomes", "entry" if entry is None else "sequence")
    return LedgerEntry(sequence=sequence, **msgspec.structs.asdict(entry))
