"""Outcomes and accounts as the bytes that are published: the same input, the same bytes, for ever."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias

import msgspec

from contracts import headers as names
from contracts.codes import Code
from contracts.headers import CeType
from contracts.message import rfc3339
from contracts.results import ERROR_TYPE
from handlers.model.account import Account
from handlers.model.entry_kind import entry_kind
from handlers.model.outcome import SCHEMA, Outcome, Trace
from handlers.wire.bodies import (
    Amounts,
    AuditBody,
    BalanceChangedBody,
    ResultBody,
    balances_body,
    entry_body,
)

Headers: TypeAlias = list[tuple[str, bytes]]

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

_OPENING = ("open", "register")
"""Commands whose answer names the new account."""

encoded = msgspec.json.Encoder().encode
"""JSON, compact and in the order given. Not `orjson`, whose every result occupies 4 KiB: thousands
of records wait in memory for their acknowledgement."""

Common: TypeAlias = tuple[tuple[str, bytes], ...]
"""The headers that all records of one outcome share, at the end of each."""


class Record(msgspec.Struct, frozen=True, gc=False):
    """A value and its headers; key and topic depend on who reads it."""

    value: bytes
    headers: Headers


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
        self._amounts = None if outcome.entry is None else Amounts.of(outcome.entry)

    def result_body(self, *, duplicate: bool) -> ResultBody:
        """Return the answer, as `contracts.results.Result`."""
        outcome = self._outcome
        entry, amounts = outcome.entry, self._amounts
        return ResultBody(
            outcome.command_id,
            outcome.username,
            outcome.type,
            "accepted" if outcome.code is None else "rejected",
            duplicate,
            self._at,
            None if outcome.code is None else error_body(outcome.code, outcome.detail or ""),
            outcome.account_id if outcome.code is None and outcome.type in _OPENING else None,
            None if entry is None or amounts is None else entry_body(entry, amounts),
        )

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
        body = BalanceChangedBody(
            event_id,
            outcome.username,
            outcome.account_id,
            entry.currency,
            entry_kind(outcome.type),
            amounts.amount,
            amounts.before,
            amounts.after,
            amounts.held,
            amounts.available,
            entry.sequence,
            outcome.command_id,
            self._at,
            None if outcome.metadata is None else dict(outcome.metadata),
            outcome.reason,
            outcome.related_id,
        )
        headers = headers_of(event_id, CeType.BALANCE_CHANGED, self._common)
        return Record(encoded(body), headers)

    def audit_event(self) -> Record:
        """Return who did what, as `contracts.events.AuditRecorded`."""
        outcome = self._outcome
        event_id = f"{self._id}:audit"
        body = AuditBody(
            event_id,
            outcome.username,
            outcome.type,
            "accepted" if outcome.code is None else "rejected",
            outcome.command_id,
            self._at,
            None if outcome.code is None else outcome.code.value,
            outcome.actor,
            outcome.detail,
        )
        headers = headers_of(event_id, CeType.AUDIT_RECORDED, self._common)
        return Record(encoded(body), headers)

    def _common_headers(self, trace: Trace) -> "Common":
        return common_headers(self._at, self.key, trace, self._outcome.command_id)


def balances(account: Account) -> Record:
    """Return the latest balances, as `contracts.events.Balances`."""
    body = balances_body(account)
    event_id = f"{account.account_id}:{account.version}:balances"
    common = (
        (names.CE_TIME, body.changed_at.encode()),
        (names.CE_SUBJECT, account.username.encode()),
    )
    return Record(encoded(body), headers_of(event_id, CeType.BALANCES, common))


class AnswerForm(msgspec.Struct, frozen=True, kw_only=True):
    """How an answer to commands differs from one to requests, where it tells of no decision."""

    kind: str
    id_field: str
    at_field: str
    marks: Mapping[str, bool] = {}

    def refusal(
        self,
        *,
        username: str,
        identifier: str,
        name: str,
        error: dict[str, Any],
        at: datetime,
        trace: Trace,
    ) -> Record:
        """Return the answer to a record that could not be decided."""
        said_at = rfc3339(at)
        body = {
            self.id_field: identifier,
            "username": username,
            "type": name,
            "status": "rejected",
            **self.marks,
            self.at_field: said_at,
            "error": error,
        }
        value = encoded(body)
        common = common_headers(said_at, username.encode(), trace, identifier)
        event_id = answer_id(f"{username}:{identifier}:{error['code']}", value)
        return Record(value, headers_of(event_id, self.kind, common))


OF_COMMANDS = AnswerForm(
    kind=CeType.RESULT, id_field="command_id", at_field="decided_at", marks={"duplicate": False}
)
OF_REQUESTS = AnswerForm(kind=CeType.REPLY, id_field="request_id", at_field="answered_at")


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
