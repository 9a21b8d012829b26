"""All that one answered command says, as bytes: made before anything of it is stored."""

from typing import Any

import msgspec

from contracts.headers import CE_TYPE, CeType
from contracts.registration import Register
from handlers.model.input_records import CommandRecord
from handlers.model.outcome import Outcome
from handlers.wire.encoding import encoded
from handlers.wire.rendering import Record, Rendering


class Announced(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What is published once the outcome is durable."""

    answer: Record
    """To the sender; of an accepted registration to the worker that hashes its password first."""
    awaits_credential: bool
    """The answer is given once the password is hashed, or known to be."""
    event: Record | None
    """The change of a balance, where there is a new one."""
    audit: Record


def announce(received: CommandRecord, rendering: Rendering, *, new: bool) -> Announced:
    """Return what *received* is told of an outcome, and what others are told of both.

    Not *new*, it was decided before: its event was published then, or is owed.
    """
    outcome = rendering.outcome
    duplicate = is_repeat(received, outcome, new=new)
    awaits_credential = _awaits_credential(received, outcome)
    return Announced(
        answer=_credential(received, rendering, duplicate=duplicate)
        if awaits_credential
        else rendering.result(duplicate=duplicate, trace=received.trace if duplicate else None),
        awaits_credential=awaits_credential,
        event=rendering.balance_event() if new and outcome.entry is not None else None,
        audit=rendering.audit_event(),
    )


def is_repeat(received: CommandRecord, outcome: Outcome, *, new: bool) -> bool:
    """Say whether another record with this command id was decided before."""
    return not new and outcome.source != received.source


def _awaits_credential(received: CommandRecord, outcome: Outcome) -> bool:
    return outcome.code is None and received.type == "register" and received.judged.problem is None


def _credential(received: CommandRecord, rendering: Rendering, *, duplicate: bool) -> Record:
    """Return what waits to be hashed, as `contracts.registration.PendingCredential`."""
    command = received.command
    assert isinstance(command, Register)
    headers = rendering.result_headers(received.trace if duplicate else None)
    body: dict[str, Any] = {
        "command_id": command.command_id,
        "username": command.username,
        "sealed_password": command.sealed_password,
        "result": rendering.result_body(duplicate=duplicate),
        "headers": {name: value.decode() for name, value in headers},
        "reply_to": received.reply_to,
    }
    if received.judged.voucher is not None:
        body["voucher"] = received.judged.voucher
    if received.kafka_correlation_id is not None:
        body["kafka_correlation_id"] = received.kafka_correlation_id  # in base64
    own = [
        (name, CeType.PENDING_CREDENTIAL.encode() if name == CE_TYPE else value)
        for name, value in headers
    ]
    return Record(encoded(body), own)
