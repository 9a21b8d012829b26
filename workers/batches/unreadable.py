"""Records that cannot be understood: why, and whom to tell. A bad record is a value."""

import json
import logging
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar, cast

import orjson
from pydantic import BaseModel, ValidationError

from contracts.codes import Code
from contracts.message import COMMAND_ID_PATTERN, USERNAME_PATTERN
from contracts.problems import Problem, field_error, in_short, problem_of
from contracts.topics import TopicSpec
from handlers.model.outcome import Trace
from workers.consuming.headers import added_by
from workers.consuming.records import Malformed, Raw

logger = logging.getLogger(__name__)

PROBLEMS_MAX = 16
"""Field problems told in one answer: enough to mend a record, bounded for hostile ones."""

NAME_REPEATED = (field_error("record", Problem.NAME_REPEATED),)
"""Which name it is, is not said: it was sent."""

_LENIENT = json.JSONDecoder(
    strict=False,
    parse_int=lambda _: None,  # of any length
    parse_float=lambda _: None,
    parse_constant=lambda _: None,
)
_USERNAME = re.compile(USERNAME_PATTERN[:-1] + r"\Z")
_ID = re.compile(COMMAND_ID_PATTERN[:-1] + r"\Z")

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """A record that cannot be decided, and why. The reason never repeats the record's bytes."""

    record: Raw
    topic: TopicSpec
    code: Code
    reason: str
    problems: Sequence[dict[str, str]] = ()
    id: str | None = None
    """The command id or request id."""
    username: str | None = None
    """With the id: whom to answer. None where that cannot be told."""
    trace: Trace | None = None
    reply_to: str | None = None
    kafka_correlation_id: bytes | None = None


class Parses(Protocol[T_co]):
    """Reads records of some topics."""

    def topic(self, record: Raw) -> TopicSpec:
        """Return which topic *record* stands on."""
        ...

    def parse(self, record: Raw) -> T_co | Unreadable:
        """Return what *record* says, or what is wrong with it."""
        ...


def parsed(parser: Parses[T_co], record: Raw) -> T_co | Unreadable:
    """Return what *parser* reads; a bug of ours in one record must not stop the others."""
    try:
        return parser.parse(record)
    except Exception as error:  # noqa: BLE001 - see above
        # Without the message: it may repeat what was sent.
        place = (record.topic, record.partition, record.offset)
        logger.error("%s-%s@%s cannot be parsed: %s", *place, type(error).__name__)  # noqa: TRY400
        return Unreadable(
            record=record,
            topic=parser.topic(record),
            code=Code.INTERNAL_ERROR,
            reason="the service failed to read this record; its operators are alerted",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """Says what is wrong with the records of one kind of input."""

    inputs: str
    """What the records are, in the plural."""
    code: Code
    """Of whatever is no such input."""
    id_field: str

    def valueless(self, record: Raw, topic: TopicSpec) -> Unreadable:
        """Return that *record* says nothing, or what is wrong with it as a record."""
        if not isinstance(record, Malformed):
            reason = "the record has no value; send a JSON object"
            return Unreadable(record=record, topic=topic, code=self.code, reason=reason)
        known = record.original or record
        return self._addressed(
            Unreadable(record=known, topic=topic, code=self.code, reason=record.fault)
        )

    def misplaced(self, record: Raw, topic: TopicSpec) -> Unreadable:
        """Return that *record* stands under another user's key, whoever may have sent it."""
        reason = f"the record's key is not its username; key {self.inputs} by username"
        return Unreadable(record=record, topic=topic, code=self.code, reason=reason)

    def invalid(
        self, record: Raw, topic: TopicSpec, model: type[BaseModel], error: ValidationError
    ) -> Unreadable:
        """Return what *error* found, without repeating what was sent."""
        code = Code.UNSEALED_PASSWORD if _unsealed(model, error) else self.code
        return self._told(record, topic, code, field_errors(model, error))

    def repetitive(self, record: Raw, topic: TopicSpec) -> Unreadable:
        """Return that *record* says two things under one name."""
        return self._told(record, topic, self.code, NAME_REPEATED)

    def _told(
        self, record: Raw, topic: TopicSpec, code: Code, problems: Sequence[dict[str, str]]
    ) -> Unreadable:
        reason = in_short(problems)
        return self._addressed(
            Unreadable(record=record, topic=topic, code=code, reason=reason, problems=problems)
        )

    def _addressed(self, fault: Unreadable) -> Unreadable:
        """Return *fault* with whom to answer, where its record says that."""
        record = fault.record
        address = None if record.value is None else self._address(record.value)
        if address is None:
            return fault
        identifier, username = address
        if record.key is not None and record.key != username.encode():
            return self.misplaced(record, fault.topic)
        trace, reply_to, correlation_id, _ = added_by(record.headers, identifier)
        return replace(
            fault,
            id=identifier,
            username=username,
            trace=trace,
            reply_to=reply_to,
            kafka_correlation_id=correlation_id,
        )

    def _address(self, value: bytes) -> tuple[str, str] | None:
        """Return id and username where both can be read: then the sender gets an answer."""
        fields = _leniently(value)
        identifier, username = fields.get(self.id_field), fields.get("username")
        if not isinstance(identifier, str) or not _ID.match(identifier):
            return None
        if not isinstance(username, str) or not _USERNAME.match(username):
            return None
        return identifier, username


def field_errors(model: type[BaseModel], error: ValidationError) -> list[dict[str, str]]:
    """Return what is wrong with each field of a *model*, without repeating what was sent."""
    found = error.errors(include_input=False, include_url=False, include_context=False)
    known = {field.alias or name for name, field in model.model_fields.items()}
    return [
        # A field we do not know is not named: its name was sent, and may be anything.
        field_error(_place(problem["loc"], known), problem_of(problem["type"]))
        for problem in found[:PROBLEMS_MAX]
    ]


def _leniently(value: bytes) -> dict[str, Any]:
    """Return the object in *value*, also where it is no valid JSON but what it says is plain.

    Behind a byte order mark, in UTF-16, in Latin-1, with NaN or a number of any length.
    """
    try:
        body = orjson.loads(value)
    except orjson.JSONDecodeError:
        text = value.decode(json.detect_encoding(value), errors="replace")
        try:
            body = _LENIENT.decode(text)
        except (ValueError, RecursionError):
            return {}
    return cast("dict[str, Any]", body) if isinstance(body, dict) else {}


def _place(loc: Sequence[int | str], known: Collection[str]) -> str:
    if not loc:
        return "record"
    return str(loc[0]) if loc[0] in known else "unknown field"


def _unsealed(model: type[BaseModel], error: ValidationError) -> bool:
    """Say whether a secret stands where a sealed one belongs, or in a field of its own.

    A password anywhere; a claim where one may be sent, since elsewhere the word has other meanings.
    """
    secrets = ("password", "claim") if "sealed_claim" in model.model_fields else ("password",)
    for problem in error.errors(include_input=False, include_url=False, include_context=False):
        place = str(problem["loc"][0]).lower() if problem["loc"] else ""
        if not any(secret in place for secret in secrets):
            continue
        if problem_of(problem["type"]) in {Problem.MALFORMED, Problem.UNKNOWN_FIELD}:
            return True
    return False
