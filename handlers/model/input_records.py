"""One command or request as it was read: what it says, and where and when it stood."""

import hashlib
from datetime import UTC

import msgspec
import orjson

from contracts.codes import Code
from contracts.commands import AnyCommand, CommandName, is_movement
from contracts.money import canonical
from contracts.requests import AnyRequest
from handlers.model.outcome import Source, Trace, outcome_id
from handlers.model.refused import Refused

FINGERPRINT_BYTES = 16
"""128 bits: nobody finds two contents with the same fingerprint by chance."""

SEALED_FIELDS = {"sealed_password", "sealed_claim"}
"""Left out of a fingerprint: sealing the same twice gives other bytes."""


class Judged(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What the sealed fields of a command were found to be, without what is in them."""

    problem: Code | None = None
    """Why one of them is refused."""
    voucher: str | None = None
    """Of a password: what shows the identity worker that it was judged, and as part of which
    registration."""
    claim_digest: bytes | None = None
    """Of a claim, where one was sent."""


NOTHING_SEALED = Judged()
"""Of a command that has no sealed field."""


class InputRecord(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What the record and the headers of a command or request add to it."""

    source: Source
    """Where its record stands."""
    timestamp_ms: int
    """Broker time."""
    trace: Trace
    reply_to: str | None = None
    kafka_correlation_id: bytes | None = None
    """Goes back with the answer, as it came."""
    actor: str | None = None
    record: object = None
    """As it was read; only its dead letter looks inside."""


class CommandRecord(InputRecord, frozen=True, kw_only=True, gc=False):
    """A readable command."""

    command: AnyCommand
    type: CommandName
    rank: int
    """Who goes first when broker times tie."""
    fingerprint: bytes
    judged: Judged = NOTHING_SEALED
    refused: Refused | None = None
    """What today's rules find wrong in it. An earlier release may have taken and recorded it: then it
    is answered as it was."""

    @property
    def id(self) -> str:
        """What identifies the decision on this command; as `Outcome.id`."""
        return outcome_id(self.command.username, self.command.command_id)


class RequestRecord(InputRecord, frozen=True, kw_only=True, gc=False):
    """A readable request."""

    request: AnyRequest
    type: str
    """Its name, such as `get-balance`."""

    @property
    def id(self) -> str:
        """What identifies the request: `<username>:<request_id>`."""
        return outcome_id(self.request.username, self.request.request_id)

    @property
    def fingerprint(self) -> bytes:
        """What tells a repeat from another content under the same id: every field, as it was sent.

        Sealed ones, too: what is in them is the content, and only their sender can compare it.
        """
        text = orjson.dumps([self.type, sorted(self.request.model_dump().items())])
        return hashlib.blake2b(text, digest_size=FINGERPRINT_BYTES).digest()


def fingerprint(name: str, command: AnyCommand) -> bytes:
    """Return what tells a repeat of *command* from another content under its id."""
    body: list[object]
    if is_movement(command):
        # By hand, because this runs for every command: model_dump costs four times as much.
        body = [
            canonical(command.amount),
            command.currency,
            command.expires_at.astimezone(UTC) if command.expires_at else None,
            sorted(command.metadata.items()) if command.metadata else None,
            command.reason,
            command.related_id,
        ]
        # What no sender said before there were houses says nothing here.
        if command.house is not None:
            body.append(command.house)
    else:
        excluded = {"command_id", "username", *SEALED_FIELDS}
        said = command.model_dump(exclude=excluded, exclude_unset=True)
        if getattr(command, "sealed_claim", None) is not None:
            said["sealed_claim"] = True  # that there is one, whatever it is
        body = [*sorted(said.items())]
    text = orjson.dumps([name, body], option=orjson.OPT_UTC_Z)
    return hashlib.blake2b(text, digest_size=FINGERPRINT_BYTES).digest()
