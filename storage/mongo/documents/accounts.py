"""Accounts and outcomes as MongoDB documents; `storage.mongo.documents.stored` has the way back.

Plain dictionary building: this runs for every command. Optional values are absent, never null.
Nothing from a payload becomes a field name: balances and metadata are lists.
"""

from collections.abc import Iterable
from typing import Any, TypeAlias

from bson.codec_options import CodecOptions, DatetimeConversion

from handlers.model.account import Account, Balance
from handlers.model.outcome import LedgerEntry, Outcome
from storage.mongo.documents.account_macs import AccountMacs
from storage.mongo.documents.minor_units import INT64_MAX, with_decimals

Document: TypeAlias = dict[str, Any]

CODEC = CodecOptions[Document](datetime_conversion=DatetimeConversion.DATETIME_AUTO)
"""How replies are read: times come naive, in UTC, and are made aware here. The driver's own
conversion would cost as much as reading the rest of the document. A time that Python has none for,
such as one that somebody wrote in microseconds, comes as another type: as an error it would cost
all that was read with it."""

_SELDOM = ("detail", "actor", "reason", "related_id")
_NOTHING = (None,) * len(_SELDOM)


def from_account(account: Account, macs: AccountMacs) -> Document:
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
    document: Document = {
        "_id": account.username,
        "account_id": account.account_id,
        "version": account.version,
        "sequence": account.sequence,
        "published_sequence": account.published_sequence,
        "writer": account.writer,
        "opened_at": account.opened_at,
        "changed_at": account.changed_at,
        "books": account.books,
        "balances": [
            _from_balance(currency, balance) for currency, balance in account.balances.items()
        ],
        "profile": stored_profile,
        "mac": macs.of(account),
    }
    if account.head is not None:
        document["head"] = account.head
    if not account.signs_in:  # most do, and those of before have no such field
        document["signs_in"] = False
        if account.claim_digest is not None:
            document["claim_digest"] = account.claim_digest
        document["profile"] = {
            name: value for name, value in stored_profile.items() if value is not None
        }
    return document


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
        "schema": outcome.schema,
    }
    if trace.correlation_id != outcome.command_id:  # nearly always it is, and stands in the id
        document["correlation_id"] = trace.correlation_id
    if outcome.entry is not None:
        document["sequence"] = outcome.entry.sequence
        document["entry"] = _from_entry(outcome.entry)
    if outcome.account_id is not None:
        document["account_id"] = outcome.account_id
    if (outcome.detail, outcome.actor, outcome.reason, outcome.related_id) != _NOTHING:
        document |= present(outcome, _SELDOM)
    if outcome.code is not None:
        document["code"] = outcome.code.value
    if trace.traceparent is not None:
        document["traceparent"] = trace.traceparent
    if trace.tracestate is not None:
        document["tracestate"] = trace.tracestate
    if outcome.metadata is not None:
        document["metadata"] = [[key, value] for key, value in outcome.metadata]
    return document


def present(value: object, names: Iterable[str]) -> Document:
    """Return those fields of *value* among *names* that say something."""
    return {name: each for name in names if (each := getattr(value, name)) is not None}


def _from_balance(currency: str, balance: Balance) -> Document:
    document: Document = {
        "currency": currency,
        "scale": balance.scale,
        "posted_minor": balance.posted_minor,
        "held_minor": balance.held_minor,
    }
    # Never is more held than posted.
    return document if balance.posted_minor <= INT64_MAX else with_decimals(document)


def _from_entry(entry: LedgerEntry) -> Document:
    document: Document = {
        "currency": entry.currency,
        "scale": entry.scale,
        "amount_minor": entry.amount_minor,
        "before_minor": entry.before_minor,
        "after_minor": entry.after_minor,
        "held_minor": entry.held_minor,
    }
    if entry.house is not None:
        document["house"] = entry.house
    if entry.previous_hash is not None:
        document["previous_hash"] = entry.previous_hash
    # Whatever moved stands in one of the two, and never is more held than posted.
    small = entry.before_minor <= INT64_MAX and entry.after_minor <= INT64_MAX
    return document if small else with_decimals(document)
