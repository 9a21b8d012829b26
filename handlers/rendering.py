"""Outcomes and accounts as the bytes that are published: the same input, the same bytes, for ever."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeAlias

import msgspec

from contracts import headers as names
from contracts.codes import Code
from contracts.headers import CeType
from contracts.message import rfc3339
from contracts.money import SCALE_MAX, to_amount
from contracts.results import ERROR_TYPE
from handlers.account import Account, Balance
from handlers.entry_kind import entry_kind
from handlers.outcome import SCHEMA, Entry, Outcome, Trace

Headers: TypeAlias = list[tuple[str, bytes]]


NOTHING = tuple(to_amount(0, scale) for scale in range(SCALE_MAX + 1))
"""No money, by scale: what is held nearly always."""

ANSWER_ID_BYTES = 8
"""Of the content in an answer's id: it tells apart the few answers to one command or request."""

_CONSTANT = (
    (names.CONTENT_TYPE, names.JSON.encode()),
    (names.CE_SPECVERSION, b"1.0"),
    (names.CE_SOURCE, names.SOURCE.encode()),
)


_TYPES = {
    kind: (names.CE_TYPE, kind.encode())
    for kind in (
        CeType.RESULT,
        CeType.REPLY,
        CeType.BALANCE_CHANGED,
        CeType.AUDIT_RECORDED,
        CeType.BALANCES,
        CeType.SESSION_REVOKED,
    )
}

encoded = msgspec.json.Encoder().encode
"""JSON, compact and in the order given. Not `orjson`, whose every result occupies 4 KiB: thousands
of records wait in memory for their acknowledgement."""

Common: TypeAlias = tuple[tuple[str, bytes], ...]
"""The headers that all records of one outcome share, at the end of each."""


class Record(msgspec.Struct, frozen=True, gc=False):
    """A value and its headers; key and topic depend on who reads it."""

    value: bytes
    headers: Headers


class _Amounts(msgspec.Struct, frozen=True, gc=False):
    """An entry's amounts as decimal strings: the result and the event say the same."""

    amount: str
    before: str
    after: str
    held: str
    available: str

    @classmethod
    def of(cls, entry: Entry) -> "_Amounts":
        """Return them as written."""
        scale = entry.scale
        after = to_amount(entry.after_minor, scale)
        held_minor = entry.held_minor
        return cls(
            to_amount(entry.amount_minor, scale),
            to_amount(entry.before_minor, scale),
            after,
            to_amount(held_minor, scale) if held_minor else NOTHING[scale],
            to_amount(entry.after_minor - held_minor, scale) if held_minor else after,
        )


class Rendering:
    """Everything that one outcome says. Built once per outcome: the parts are shared."""

    __slots__ = ("_amounts", "_at", "_common", "_id", "_outcome", "key")

    def __init__(self, outcome: Outcome) -> None:
        assert outcome.schema == SCHEMA
        self._outcome = outcome
        self._id = outcome.id
        self._at = rfc3339(outcome.decided_at)
        self.key = outcome.username.encode()
        """The key of every record about this user."""
        self._common = self._common_headers(outcome.trace)
        self._amounts = None if outcome.entry is None else _Amounts.of(outcome.entry)

    def result_body(self, *, duplicate: bool) -> dict[str, Any]:
        """Return the answer, as `contracts.results.Result`."""
        outcome = self._outcome
        body: dict[str, Any] = {
            "command_id": outcome.command_id,
            "username": outcome.username,
            "type": outcome.type,
            "status": "accepted" if outcome.code is None else "rejected",
            "duplicate": duplicate,
            "decided_at": self._at,
        }
        if outcome.code is not None:
            body["error"] = error_body(outcome.code, outcome.detail or "")
        elif outcome.type == "register":
            body["account_id"] = outcome.account_id
        entry, amounts = outcome.entry, self._amounts
        if entry is not None and amounts is not None:
            body["entry"] = {
                "sequence": entry.sequence,
                "amount": amounts.amount,
                "currency": entry.currency,
                "before": amounts.before,
                "after": amounts.after,
                "available": amounts.available,
            }
        return body

    def result_headers(self, trace: Trace | None = None) -> Headers:
        """Return the answer's headers; *trace* is of the record that asks, where it asks again."""
        common = self._common if trace is None else self._common_headers(trace)
        return headers_of(f"{self._id}:result", CeType.RESULT, common)

    def result(self, *, duplicate: bool, trace: Trace | None = None) -> Record:
        """Return the answer to one record."""
        return Record(encoded(self.result_body(duplicate=duplicate)), self.result_headers(trace))

    def balance_event(self) -> Record:
        """Return the change of balance, as `contracts.events.BalanceChanged`."""
        outcome = self._outcome
        entry, amounts = outcome.entry, self._amounts
        assert entry is not None
        assert amounts is not None
        event_id = f"{outcome.account_id}:{entry.sequence}"
        body: dict[str, Any] = {
            "event_id": event_id,
            "username": outcome.username,
            "account_id": outcome.account_id,
            "currency": entry.currency,
            "kind": entry_kind(outcome.type),
            "amount": amounts.amount,
            "before": amounts.before,
            "after": amounts.after,
            "held": amounts.held,
            "available": amounts.available,
            "sequence": entry.sequence,
            "command_id": outcome.command_id,
            "occurred_at": self._at,
        }
        if outcome.metadata is not None:
            body["metadata"] = dict(outcome.metadata)
        if outcome.reason is not None:
            body["reason"] = outcome.reason
        if outcome.related_id is not None:
            body["related_id"] = outcome.related_id
        headers = headers_of(event_id, CeType.BALANCE_CHANGED, self._common)
        return Record(encoded(body), headers)

    def audit_event(self) -> Record:
        """Return who did what, as `contracts.events.AuditRecorded`."""
        outcome = self._outcome
        event_id = f"{self._id}:audit"
        body: dict[str, Any] = {
            "event_id": event_id,
            "username": outcome.username,
            "action": outcome.type,
            "outcome": "accepted" if outcome.code is None else "rejected",
            "command_id": outcome.command_id,
            "occurred_at": self._at,
        }
        if outcome.code is not None:
            body["code"] = outcome.code.value
        if outcome.actor is not None:
            body["actor"] = outcome.actor
        if outcome.detail is not None:
            body["detail"] = outcome.detail
        headers = headers_of(event_id, CeType.AUDIT_RECORDED, self._common)
        return Record(encoded(body), headers)

    def _common_headers(self, trace: Trace) -> "Common":
        return common_headers(self._at, self.key, trace, self._outcome.command_id)


def balances(account: Account) -> Record:
    """Return the latest balances, as `contracts.events.Balances`."""
    body = balances_body(account)
    event_id = f"{account.account_id}:{account.sequence}:balances"
    common = (
        (names.CE_TIME, body["changed_at"].encode()),
        (names.CE_SUBJECT, account.username.encode()),
    )
    return Record(encoded(body), headers_of(event_id, CeType.BALANCES, common))


def balances_body(account: Account, currency: str | None = None) -> dict[str, Any]:
    """Return what *account* holds in *currency*, or in all, as `contracts.events.Balances`."""
    return {
        "username": account.username,
        "account_id": account.account_id,
        "sequence": account.sequence,
        "balances": {
            name: _balance_body(balance)
            for name, balance in account.balances.items()
            if currency is None or name == currency
        },
        "changed_at": rfc3339(account.changed_at),
    }


def _balance_body(balance: Balance) -> dict[str, str]:
    scale = balance.scale
    posted = to_amount(balance.posted_minor, scale)
    if not balance.held_minor:
        return {"posted": posted, "held": NOTHING[scale], "available": posted}
    return {
        "posted": posted,
        "held": to_amount(balance.held_minor, scale),
        "available": to_amount(balance.available_minor, scale),
    }


def refusal(
    *,
    username: str,
    command_id: str,
    name: str,
    error: dict[str, Any],
    at: datetime,
    trace: Trace,
) -> Record:
    """Return the answer to a record that could not be decided."""
    said_at = rfc3339(at)
    body = {
        "command_id": command_id,
        "username": username,
        "type": name,
        "status": "rejected",
        "duplicate": False,
        "decided_at": said_at,
        "error": error,
    }
    value = encoded(body)
    common = common_headers(said_at, username.encode(), trace, command_id)
    event_id = answer_id(f"{username}:{command_id}:{error['code']}", value)
    return Record(value, headers_of(event_id, CeType.RESULT, common))


def error_body(code: Code, detail: str, errors: Sequence[dict[str, str]] = ()) -> dict[str, Any]:
    """Return why a command was not accepted, as `contracts.results.Error`."""
    info = code.info
    return {
        "code": code.value,
        "title": info.title,
        "detail": detail,
        "retryable": info.retryable,
        "type": f"{ERROR_TYPE}{code.value}",
        "errors": list(errors),
    }


def answer_id(subject: str, value: bytes) -> str:
    """Return the id of the answer *value* that is recorded nowhere; no other content has it.

    The same question has another answer later, and an id that was refused another content: readers
    who drop what they have seen must not drop these.
    """
    return f"{subject}:{hashlib.blake2b(value, digest_size=ANSWER_ID_BYTES).hexdigest()}"


def common_headers(at: str, key: bytes, trace: Trace, cause: str) -> Common:
    """Return the headers that all records about one thing share: time, subject, cause, trace."""
    common: Common = (
        (names.CE_TIME, at.encode()),
        (names.CE_SUBJECT, key),
        (names.CORRELATION_ID, trace.correlation_id.encode()),
        (names.CAUSATION_ID, cause.encode()),
    )
    if trace.traceparent is not None:
        common += ((names.TRACEPARENT, trace.traceparent.encode()),)
    if trace.tracestate is not None:
        common += ((names.TRACESTATE, trace.tracestate.encode()),)
    return common


def headers_of(event_id: str, kind: str, common: Common) -> Headers:
    """Return all headers of one record."""
    return [*_CONSTANT, (names.CE_ID, event_id.encode()), _TYPES[kind], *common]
