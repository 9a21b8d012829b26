"""Outcomes and accounts as the bytes that are published: the same input, the same bytes, for ever."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias

import msgspec

from contracts import headers as names
from contracts.codes import Code
from contracts.headers import CeType
from contracts.message import rfc3339
from contracts.results import ERROR_TYPE
from handlers.model.account import Account
from handlers.model.outcome import SCHEMA, UNCHAINED, Outcome, Trace
from handlers.wire.bodies import AuditBody, ResultBody, balances_body
from handlers.wire.encoding import encoded
from handlers.wire.entries import entry_value, event_id, value_v1

ANSWER_ID_BYTES = 8
"""Of the content in an answer's id: it tells apart the few answers to one command or request."""

_CONSTANT = (
    (names.CONTENT_TYPE, names.JSON.encode()),
    (names.CE_SPECVERSION, b"1.0"),
    (names.CE_SOURCE, names.SOURCE.encode()),
)


_OPENING = ("open", "register")
"""Commands whose answer names the new account."""

Common: TypeAlias = tuple[tuple[str, bytes], ...]
"""The headers that all records of one outcome share, at the end of each."""


class RecordHeaders(msgspec.Struct, frozen=True, gc=False):
    """The headers of one record, in parts: who writes them writes the shared ones once."""

    id: str
    type: str
    common: Common

    def __iter__(self) -> Iterator[tuple[str, bytes]]:
        """Yield all, in the order in which they are written."""
        before, name, behind = self.around_id()
        yield from before
        yield name, self.id.encode()
        yield from behind
        yield from self.common

    def around_id(self) -> tuple[Common, str, Common]:
        """Return what stands before the id, the name under which it stands, and what stands behind."""
        return _CONSTANT, names.CE_ID, ((names.CE_TYPE, self.type.encode()),)


Headers: TypeAlias = RecordHeaders | Sequence[tuple[str, bytes]]


class Record(msgspec.Struct, frozen=True, gc=False):
    """A value and its headers; key and topic depend on who reads it."""

    value: bytes
    headers: Headers


class Rendering:
    """Everything that one outcome says. Built once per outcome: the parts are shared."""

    __slots__ = ("_at", "_common", "_id", "entry", "entry_hash", "key", "outcome")

    def __init__(self, outcome: Outcome) -> None:
        assert UNCHAINED <= outcome.schema <= SCHEMA
        self.outcome = outcome
        self._id = outcome.id
        self._at = rfc3339(outcome.decided_at)
        self.key = outcome.username.encode()
        """The key of every record about this user."""
        self._common = self._common_headers(outcome.trace)
        self.entry: bytes | None = None
        """What it changed, as `contracts.entries.Entry`."""
        self.entry_hash: bytes | None = None
        """Of its entry: what the next one of the account carries on."""
        if outcome.entry is not None:
            self.entry, self.entry_hash = entry_value(outcome, outcome.entry, self._at)

    def result_body(self, *, duplicate: bool) -> ResultBody:
        """Return the answer, as `contracts.results.Result`."""
        outcome, entry = self.outcome, self.entry
        return ResultBody(
            outcome.command_id,
            outcome.username,
            outcome.type,
            "accepted" if outcome.code is None else "rejected",
            duplicate,
            self._at,
            None if outcome.code is None else error_body(outcome.code, outcome.detail or ""),
            outcome.account_id if outcome.code is None and outcome.type in _OPENING else None,
            None if entry is None else msgspec.Raw(entry),
        )

    def result_headers(self, trace: Trace | None = None) -> Headers:
        """Return the answer's headers; *trace* is of the record that asks, where it asks again."""
        common = self._common if trace is None else self._common_headers(trace)
        return headers_of(f"{self._id}:result", CeType.RESULT, common)

    def result(self, *, duplicate: bool, trace: Trace | None = None) -> Record:
        """Return the answer to one record."""
        return Record(encoded(self.result_body(duplicate=duplicate)), self.result_headers(trace))

    def balance_event(self) -> Record:
        """Return what its entry changed, as `contracts.entries.Entry`, or as it was said once."""
        outcome, value = self.outcome, self.entry
        entry = outcome.entry
        assert entry is not None
        assert value is not None
        kind = CeType.BALANCE_CHANGED
        if outcome.schema == UNCHAINED:
            kind, value = CeType.BALANCE_CHANGED_V1, value_v1(outcome, entry, self._at)
        return Record(value, headers_of(event_id(outcome, entry), kind, self._common))

    def audit_event(self) -> Record:
        """Return who did what, as `contracts.events.AuditRecorded`."""
        outcome = self.outcome
        audit_id = f"{self._id}:audit"
        body = AuditBody(
            audit_id,
            outcome.username,
            outcome.type,
            "accepted" if outcome.code is None else "rejected",
            outcome.command_id,
            self._at,
            None if outcome.code is None else outcome.code.value,
            outcome.actor,
            outcome.detail,
        )
        headers = headers_of(audit_id, CeType.AUDIT_RECORDED, self._common)
        return Record(encoded(body), headers)

    def _common_headers(self, trace: Trace) -> "Common":
        return common_headers(self._at, self.key, trace, self.outcome.command_id)


def balances(account: Account) -> Record:
    """Return the latest balances, as `contracts.events.Balances`."""
    body = balances_body(account)
    state_id = f"{account.account_id}:{account.version}:balances"
    common = (
        (names.CE_TIME, body.changed_at.encode()),
        (names.CE_SUBJECT, account.username.encode()),
    )
    return Record(encoded(body), headers_of(state_id, CeType.BALANCES, common))


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
        refusal_id = answer_id(f"{username}:{identifier}:{error['code']}", value)
        return Record(value, headers_of(refusal_id, self.kind, common))


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


def headers_of(identifier: str, kind: str, common: Common) -> Headers:
    """Return all headers of one record."""
    return RecordHeaders(identifier, kind, common)
