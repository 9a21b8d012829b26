"""Records to commands. A bad record is a value, not an exception."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import orjson
from pydantic import ValidationError

from contracts import headers as names
from contracts.codes import Code
from contracts.commands import COMMANDS, AnyCommand, command_name
from contracts.message import COMMAND_ID_PATTERN, USERNAME_PATTERN
from contracts.topics import TopicSpec
from handlers.outcome import Source, Trace
from handlers.received import Received, fingerprint
from workers.consuming.records import Raw

PROBLEMS_MAX = 16
"""Field problems told in one answer: enough to mend a command, bounded for hostile ones."""

_USERNAME = re.compile(USERNAME_PATTERN[:-1] + r"\Z")
_COMMAND_ID = re.compile(COMMAND_ID_PATTERN[:-1] + r"\Z")
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}\Z")
"""W3C Trace Context §3.2."""
_PLAIN = re.compile(r"[ -~]+\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """A record that cannot be decided, and why. The reason never repeats the record's bytes."""

    record: Raw
    topic: TopicSpec
    code: Code
    reason: str
    problems: Sequence[dict[str, str]] = ()
    command_id: str | None = None
    username: str | None = None
    """With the command id: whom to answer. None where that cannot be told."""
    trace: Trace | None = None
    reply_to: str | None = None


class Parser:
    """Reads the records of every ordered topic under one prefix."""

    def __init__(self, prefix: str) -> None:
        self._inputs: dict[str, tuple[TopicSpec, type[AnyCommand], str, int]] = {
            prefix + topic.name: (topic, model, command_name(topic), topic.rank or 0)
            for topic, model in COMMANDS.items()
        }

    def topic(self, record: Raw) -> TopicSpec:
        """Return which topic *record* stands on."""
        return self._inputs[record.topic][0]

    def parse(self, record: Raw) -> Received | Unreadable:
        """Return the command in *record*, or what is wrong with it."""
        topic, model, name, rank = self._inputs[record.topic]
        if record.value is None:
            return Unreadable(
                record=record,
                topic=topic,
                code=Code.INVALID_COMMAND,
                reason="the record has no value; send a JSON object",
            )
        try:
            command = model.model_validate_json(record.value)
        except ValidationError as error:
            return _invalid(record, topic, model, error)
        if record.key is not None and record.key != command.username.encode():
            return _misplaced(record, topic)
        headers = _headers(record.headers)
        return Received(
            command=command,
            type=name,
            rank=rank,
            fingerprint=fingerprint(name, command),
            source=Source(topic=record.topic, partition=record.partition, offset=record.offset),
            timestamp_ms=record.timestamp,
            trace=_trace(headers, command.command_id),
            reply_to=headers.get(names.REPLY_TO),
            actor=headers.get(names.ACTOR),
            record=record,
        )


def _misplaced(record: Raw, topic: TopicSpec) -> Unreadable:
    return Unreadable(
        record=record,
        topic=topic,
        code=Code.INVALID_COMMAND,
        reason="the record's key is not its username; key commands by username",
    )


def _invalid(
    record: Raw, topic: TopicSpec, model: type[AnyCommand], error: ValidationError
) -> Unreadable:
    found = error.errors(include_input=False, include_url=False, include_context=False)
    known = model.model_fields.keys()
    problems = [
        # A field we do not know is not named: its name was sent, and may be anything.
        {"field": _place(problem["loc"], known), "problem": problem["type"]}
        for problem in found[:PROBLEMS_MAX]
    ]
    code = Code.UNSEALED_PASSWORD if _unsealed(found) else Code.INVALID_COMMAND
    reason = "; ".join(f"{problem['field']}: {problem['problem']}" for problem in problems)
    if record.value is None or not (address := _address(record.value)):
        return Unreadable(record=record, topic=topic, code=code, reason=reason, problems=problems)
    command_id, username = address
    if record.key is not None and record.key != username.encode():
        return _misplaced(record, topic)
    headers = _headers(record.headers)
    return Unreadable(
        record=record,
        topic=topic,
        code=code,
        reason=reason,
        problems=problems,
        command_id=command_id,
        username=username,
        trace=_trace(headers, command_id),
        reply_to=headers.get(names.REPLY_TO),
    )


def _place(loc: Sequence[int | str], known: Mapping[str, Any] | Any) -> str:
    if not loc:
        return "record"
    return str(loc[0]) if loc[0] in known else "unknown field"


def _unsealed(found: Sequence[Any]) -> bool:
    """Say whether a password stands where a sealed one belongs, or in a field of its own."""
    for problem in found:
        place = str(problem["loc"][0]) if problem["loc"] else ""
        if place == "sealed_password" and problem["type"] == "string_pattern_mismatch":
            return True
        if problem["type"] == "extra_forbidden" and "password" in place.lower():
            return True
    return False


def _address(value: bytes) -> tuple[str, str] | None:
    """Return command id and username where both can be read: then the sender gets an answer."""
    try:
        body = orjson.loads(value)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(body, dict):
        return None
    fields = cast("dict[str, Any]", body)
    command_id, username = fields.get("command_id"), fields.get("username")
    if not isinstance(command_id, str) or not _COMMAND_ID.match(command_id):
        return None
    if not isinstance(username, str) or not _USERNAME.match(username):
        return None
    return command_id, username


def _headers(raw: Sequence[tuple[str, bytes | None]]) -> Mapping[str, str]:
    """Return the headers we read; one that is null, binary or too long is as good as absent."""
    if not raw:
        return {}
    found: dict[str, str] = {}
    for name, value in raw:
        longest = names.HEADER_LENGTH_MAX.get(name)
        if longest is None or value is None or len(value) > longest:
            continue
        try:
            text = value.decode()
        except UnicodeDecodeError:
            continue
        if text.isprintable() and text:
            found[name] = text
    return found


def _trace(headers: Mapping[str, str], command_id: str) -> Trace:
    if not headers:
        return Trace(correlation_id=command_id)
    correlation_id = headers.get(names.CORRELATION_ID, command_id)
    traceparent = headers.get(names.TRACEPARENT)
    if traceparent is not None and not _TRACEPARENT.match(traceparent):
        traceparent = None
    return Trace(
        correlation_id=correlation_id if _PLAIN.match(correlation_id) else command_id,
        traceparent=traceparent,
        # W3C Trace Context §3.3: without a valid traceparent, tracestate has no meaning.
        tracestate=headers.get(names.TRACESTATE) if traceparent else None,
    )
