"""Accounts and outcomes as MongoDB documents, and back, without loss.

Plain dictionary building: this runs for every command. Optional values are absent, never null.
Nothing from a payload becomes a field name: balances and metadata are lists.
"""

from collections.abc import Mapping
from datetime import UTC, date
from typing import Any, TypeAlias

from bson.codec_options import CodecOptions

from contracts.codes import Code
from handlers.account import Account, Balance, Profile
from handlers.outcome import Entry, Outcome, Source, Trace

Document: TypeAlias = dict[str, Any]

CODEC = CodecOptions[Document]()
"""How replies are read: times come naive, in UTC, and are made aware here. The driver's own
conversion would cost as much as reading the rest of the document."""

_OPTIONAL = ("account_id", "detail", "actor", "reason", "related_id")
_CODES = {code.value: code for code in Code}


def from_account(account: Account) -> Document:
    """Return *account* as stored: its balances a list, so that no currency is a field name."""
    profile = account.profile
    stored_profile: Document = {
        "email": profile.email,
        "first_name": profile.first_name,
        "last_name": profile.last_name,
        "marketing_consent": profile.marketing_consent,
    }
    if profile.phone is not None:
        stored_profile["phone"] = profile.phone
    if profile.date_of_birth is not None:
        stored_profile["date_of_birth"] = profile.date_of_birth.isoformat()
    return {
        "_id": account.username,
        "account_id": account.account_id,
        "version": account.version,
        "sequence": account.sequence,
        "published_sequence": account.published_sequence,
        "writer": account.writer,
        "opened_at": account.opened_at,
        "changed_at": account.changed_at,
        "balances": [
            {
                "currency": currency,
                "scale": balance.scale,
                "posted_minor": balance.posted_minor,
                "held_minor": balance.held_minor,
            }
            for currency, balance in account.balances.items()
        ],
        "profile": stored_profile,
    }


def to_account(document: Mapping[str, Any]) -> Account:
    """Return the account that `from_account` stored."""
    profile = document["profile"]
    born = profile.get("date_of_birth")
    return Account(
        username=document["_id"],
        account_id=document["account_id"],
        profile=Profile(
            email=profile["email"],
            first_name=profile["first_name"],
            last_name=profile["last_name"],
            phone=profile.get("phone"),
            date_of_birth=None if born is None else date.fromisoformat(born),
            marketing_consent=profile["marketing_consent"],
        ),
        balances={
            stored["currency"]: Balance(
                posted_minor=stored["posted_minor"],
                scale=stored["scale"],
                held_minor=stored["held_minor"],
            )
            for stored in document["balances"]
        },
        sequence=document["sequence"],
        version=document["version"],
        writer=document["writer"],
        published_sequence=document["published_sequence"],
        opened_at=document["opened_at"].replace(tzinfo=UTC),
        changed_at=document["changed_at"].replace(tzinfo=UTC),
    )


def from_outcome(outcome: Outcome) -> Document:
    """Return *outcome* as stored; `sequence` stands at the top, for the index of entries."""
    source = outcome.source
    trace = outcome.trace
    document: Document = {
        "_id": outcome.id,
        "username": outcome.username,
        "type": outcome.type,
        "fingerprint": outcome.fingerprint,
        "decided_at": outcome.decided_at,
        "source": {
            "topic": source.topic,
            "partition": source.partition,
            "offset": source.offset,
        },
        "correlation_id": trace.correlation_id,
        "schema": outcome.schema,
    }
    if outcome.entry is not None:
        document["sequence"] = outcome.entry.sequence
        document["entry"] = _from_entry(outcome.entry)
    for name in _OPTIONAL:
        value = getattr(outcome, name)
        if value is not None:
            document[name] = value
    if outcome.code is not None:
        document["code"] = outcome.code.value
    if trace.traceparent is not None:
        document["traceparent"] = trace.traceparent
    if trace.tracestate is not None:
        document["tracestate"] = trace.tracestate
    if outcome.metadata is not None:
        document["metadata"] = [[key, value] for key, value in outcome.metadata]
    return document


def to_outcome(document: Mapping[str, Any]) -> Outcome:
    """Return the outcome that `from_outcome` stored."""
    username = document["username"]
    source = document["source"]
    code = document.get("code")
    metadata = document.get("metadata")
    return Outcome(
        username=username,
        command_id=document["_id"][len(username) + 1 :],
        type=document["type"],
        fingerprint=document["fingerprint"],
        account_id=document.get("account_id"),
        decided_at=document["decided_at"].replace(tzinfo=UTC),
        source=Source(
            topic=source["topic"], partition=source["partition"], offset=source["offset"]
        ),
        trace=Trace(
            correlation_id=document["correlation_id"],
            traceparent=document.get("traceparent"),
            tracestate=document.get("tracestate"),
        ),
        code=None if code is None else _CODES[code],
        detail=document.get("detail"),
        entry=_to_entry(document),
        actor=document.get("actor"),
        reason=document.get("reason"),
        related_id=document.get("related_id"),
        metadata=None if metadata is None else tuple((key, value) for key, value in metadata),
        schema=document["schema"],
    )


def _from_entry(entry: Entry) -> Document:
    return {
        "currency": entry.currency,
        "scale": entry.scale,
        "amount_minor": entry.amount_minor,
        "before_minor": entry.before_minor,
        "after_minor": entry.after_minor,
        "held_minor": entry.held_minor,
    }


def _to_entry(document: Mapping[str, Any]) -> Entry | None:
    entry = document.get("entry")
    if entry is None:
        return None
    return Entry(
        sequence=document["sequence"],
        currency=entry["currency"],
        scale=entry["scale"],
        amount_minor=entry["amount_minor"],
        before_minor=entry["before_minor"],
        after_minor=entry["after_minor"],
        held_minor=entry["held_minor"],
    )
