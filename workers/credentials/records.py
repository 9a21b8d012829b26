"""Records of `accounts.internal.credentials`: what waits to be hashed, or why it cannot be read."""

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec
from msgspec.structs import replace
from pydantic import ValidationError

from contracts.headers import KAFKA_CORRELATION_ID
from contracts.registration import PendingCredential
from contracts.sealing import Purpose
from contracts.topics import CREDENTIALS
from handlers.model.corrupt import SCHEMA_FIELD, CorruptDocument
from handlers.model.outcome import Outcome
from handlers.model.schema import FIRST, is_readable
from handlers.wire.rendering import Rendering
from workers.consuming.headers import read_headers, trace_of
from workers.consuming.records import Malformed, Raw
from workers.kafka.publishing import Outgoing
from workers.keys.ring import KeyRing
from workers.keys.sealing import SealProblem, is_vouched, open_sealed, password_purpose, vouch


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingRecord:
    """An accepted registration, and the record that brought it."""

    record: Raw
    pending: PendingCredential

    @property
    def is_hashed(self) -> bool:
        """Whether another system has hashed the password."""
        return password_purpose(self.pending.sealed_password) is Purpose.REGISTER_HASH

    def password(self, recorded: Outcome, ring: KeyRing) -> str | SealProblem:
        """Return the password, or its hash, if a ledger worker judged it as part of what is *recorded*."""
        pending = self.pending
        password = open_sealed(
            pending.sealed_password,
            ring,
            purpose=password_purpose(pending.sealed_password),
            command_id=pending.command_id,
            username=pending.username,
        )
        if isinstance(password, SealProblem):
            return password
        expected = vouch(
            pending.sealed_password,
            ring,
            command_id=recorded.command_id,
            username=recorded.username,
            fingerprint=recorded.fingerprint,
        )
        return password if is_vouched(pending.voucher, expected) else SealProblem.UNVOUCHED

    def answer(self, recorded: Outcome, results: str) -> Outgoing:
        """Return the accepted result as the ledger made it, addressed to the topic *results*.

        It is made again from what is *recorded*: whoever writes to the topic of pending credentials
        cannot have this service say anything else.
        """
        pending = self.pending
        duplicate = pending.result.get("duplicate") is True
        headers = [(name, value.encode()) for name, value in pending.headers.items()]
        trace = trace_of(read_headers(headers), pending.command_id) if duplicate else None
        rendering = Rendering(recorded)
        record = rendering.result(duplicate=duplicate, trace=trace)
        if pending.kafka_correlation_id is not None:
            own = (KAFKA_CORRELATION_ID, pending.kafka_correlation_id)
            record = replace(record, headers=[*record.headers, own])
        return Outgoing.of(results, rendering.key, record)


class _Numbered(msgspec.Struct, frozen=True, gc=False):
    """What a message between workers says of its shape; one without a number is of the first."""

    schema: object = FIRST


def of_later_schemas(records: Iterable[Raw]) -> list[CorruptDocument]:
    """Return, of *records*, those whose shape this release does not know."""
    return [
        CorruptDocument(
            collection=CREDENTIALS.name,
            id=f"{record.topic}-{record.partition}@{record.offset}",
            username=(record.key or b"").decode(errors="replace"),
            field=SCHEMA_FIELD,
        )
        for record in records
        if not isinstance(record, Malformed) and not _is_known(record.value)
    ]


def _is_known(value: bytes | None) -> bool:
    try:
        return is_readable(msgspec.json.decode(value or b"{}", type=_Numbered).schema)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return True  # no message at all: whoever reads it says so


def needs_hashing(record: Raw) -> bool:
    """Say whether *record* may bring a password that is to be hashed; what cannot be read does not."""
    read = read_waiting(record)
    return isinstance(read, WaitingRecord) and not read.is_hashed


def read_waiting(record: Raw) -> WaitingRecord | str:
    """Return what *record* asks for, or what is wrong with it; never any of its bytes."""
    if isinstance(record, Malformed):
        return record.fault
    if record.value is None:
        return "the record has no value"
    if not _is_known(record.value):
        return "its schema number is none that this release reads"
    try:
        pending = PendingCredential.model_validate_json(record.value)
    except ValidationError as error:
        problems = error.errors(include_input=False, include_url=False, include_context=False)
        known = PendingCredential.model_fields
        places = (str(problem["loc"][0]) if problem["loc"] else "record" for problem in problems)
        named = sorted({place if place in known else "record" for place in places})
        return f"not a pending credential: {', '.join(named)}"
    if record.key != pending.username.encode():
        return "the record's key is not its username"
    return WaitingRecord(record=record, pending=pending)
