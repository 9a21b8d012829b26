"""Records to commands and requests. A bad record is a value, not an exception."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Generic, TypeVar

from pydantic import ValidationError

from contracts.codes import Code
from contracts.commands import COMMANDS, AnyCommand, CommandName, command_name
from contracts.message import ONCE_TAKEN
from contracts.requests import AnyRequest, request_name
from contracts.topics import TopicSpec
from handlers.model.input_records import CommandRecord, RequestRecord, fingerprint
from handlers.model.outcome import Source
from handlers.model.refused import invalid_command
from handlers.wire.json_names import repeats_a_name
from workers.batches.unreadable import NAME_REPEATED, Faults, Unreadable, field_errors
from workers.consuming.headers import added_by
from workers.consuming.records import Raw

Body = TypeVar("Body", bound="AnyCommand | AnyRequest")
Read = TypeVar("Read")


class Parser(ABC, Generic[Body, Read]):
    """Reads the records of some topics under one prefix; what it makes of them is its subclass's."""

    def __init__(
        self, topics: Mapping[TopicSpec, type[Body]], prefix: str, *, faults: Faults
    ) -> None:
        self._inputs = {prefix + topic.name: (topic, model) for topic, model in topics.items()}
        self._faults = faults

    def topic(self, record: Raw) -> TopicSpec:
        """Return which topic *record* stands on."""
        return self._inputs[record.topic][0]

    def parse(self, record: Raw) -> Read | Unreadable:
        """Return what *record* says, or what is wrong with it."""
        topic, model = self._inputs[record.topic]
        if record.value is None:
            return self._faults.valueless(record, topic)
        problems: Sequence[dict[str, str]] = ()
        try:
            body = model.model_validate_json(record.value)
        except ValidationError as error:
            once = self.once_taken(model, record.value)
            if once is None:
                return self._faults.invalid(record, topic, model, error)
            body, problems = once, field_errors(model, error)
        if repeats_a_name(record.value, len(body.model_fields_set)):
            problems = NAME_REPEATED
        if record.key is not None and record.key != body.username.encode():
            return self._faults.misplaced(record, topic)
        return self.read(record, topic, body, problems)

    def once_taken(self, model: type[Body], value: bytes) -> Body | None:
        """Return what an earlier release may have taken *value* for; nothing unless recorded."""
        del model, value
        return None

    @abstractmethod
    def read(
        self, record: Raw, topic: TopicSpec, body: Body, problems: Sequence[dict[str, str]]
    ) -> Read | Unreadable:
        """Return *body* as it was read, or what is wrong with it where it has *problems*."""
        ...


class CommandParser(Parser[AnyCommand, CommandRecord]):
    """Reads the records of every ordered topic. What was decided once is still read (P3)."""

    def __init__(self, prefix: str) -> None:
        super().__init__(
            COMMANDS,
            prefix,
            faults=Faults(inputs="commands", code=Code.INVALID_COMMAND, id_field="command_id"),
        )
        self._kinds: dict[str, tuple[CommandName, int]] = {
            prefix + topic.name: (command_name(topic), topic.rank or 0) for topic in COMMANDS
        }

    def once_taken(self, model: type[AnyCommand], value: bytes) -> AnyCommand | None:
        """Return what an earlier release may have taken *value* for, if it is that near to a command."""
        try:
            return model.model_validate_json(value, context=ONCE_TAKEN)
        except ValidationError:
            return None

    def read(
        self, record: Raw, topic: TopicSpec, body: AnyCommand, problems: Sequence[dict[str, str]]
    ) -> CommandRecord:
        """Return *body*; its *problems* refuse it unless it is recorded."""
        del topic
        name, rank = self._kinds[record.topic]
        trace, reply_to, correlation_id, actor = added_by(record.headers, body.command_id)
        return CommandRecord(
            command=body,
            type=name,
            rank=rank,
            fingerprint=fingerprint(name, body),
            refused=invalid_command(problems) if problems else None,
            source=Source(topic=record.topic, partition=record.partition, offset=record.offset),
            timestamp_ms=record.timestamp,
            trace=trace,
            reply_to=reply_to,
            kafka_correlation_id=correlation_id,
            actor=actor,
            record=record,
        )


class RequestParser(Parser[AnyRequest, RequestRecord]):
    """Reads the records of some request topics."""

    def __init__(self, topics: Mapping[TopicSpec, type[AnyRequest]], prefix: str) -> None:
        super().__init__(
            topics,
            prefix,
            faults=Faults(inputs="requests", code=Code.INVALID_REQUEST, id_field="request_id"),
        )

    def read(
        self, record: Raw, topic: TopicSpec, body: AnyRequest, problems: Sequence[dict[str, str]]
    ) -> RequestRecord | Unreadable:
        """Return *body*, unless it has *problems*."""
        if problems:
            return self._faults.repetitive(record, topic)
        trace, reply_to, correlation_id, actor = added_by(record.headers, body.request_id)
        return RequestRecord(
            request=body,
            type=request_name(topic),
            source=Source(topic=record.topic, partition=record.partition, offset=record.offset),
            timestamp_ms=record.timestamp,
            trace=trace,
            reply_to=reply_to,
            kafka_correlation_id=correlation_id,
            actor=actor,
            record=record,
        )
