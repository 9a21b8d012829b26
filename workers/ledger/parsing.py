"""Records to commands. A bad record is a value, not an exception."""

from pydantic import ValidationError

from contracts import headers as names
from contracts.codes import Code
from contracts.commands import COMMANDS, AnyCommand, CommandName, command_name
from contracts.json_names import repeats_a_name
from contracts.message import ONCE_TAKEN
from contracts.topics import TopicSpec
from handlers.decision import invalid_command
from handlers.outcome import Source
from handlers.received import Received, fingerprint
from workers.consuming.headers import (
    kafka_correlation_id,
    read_headers,
    reply_to_of,
    trace_of,
)
from workers.consuming.records import Raw
from workers.consuming.unreadable import NAME_REPEATED, Faults, Unreadable, field_errors

_FAULTS = Faults(inputs="commands", code=Code.INVALID_COMMAND, id_field="command_id")


class Parser:
    """Reads the records of every ordered topic under one prefix."""

    def __init__(self, prefix: str) -> None:
        self._inputs: dict[str, tuple[TopicSpec, type[AnyCommand], CommandName, int]] = {
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
            return _FAULTS.valueless(record, topic)
        refused = None
        try:
            command = model.model_validate_json(record.value)
        except ValidationError as error:
            once = _once_taken(model, record.value)
            if once is None:
                return _FAULTS.invalid(record, topic, model, error)
            command, refused = once, invalid_command(field_errors(model, error))
        if repeats_a_name(record.value, len(command.model_fields_set)):
            refused = invalid_command(NAME_REPEATED)
        if record.key is not None and record.key != command.username.encode():
            return _FAULTS.misplaced(record, topic)
        headers = read_headers(record.headers)
        return Received(
            command=command,
            type=name,
            rank=rank,
            fingerprint=fingerprint(name, command),
            source=Source(topic=record.topic, partition=record.partition, offset=record.offset),
            timestamp_ms=record.timestamp,
            trace=trace_of(headers, command.command_id),
            reply_to=reply_to_of(headers),
            kafka_correlation_id=kafka_correlation_id(record.headers),
            actor=headers.get(names.ACTOR),
            refused=refused,
            record=record,
        )


def _once_taken(model: type[AnyCommand], value: bytes) -> AnyCommand | None:
    """Return what an earlier release may have taken *value* for, if it is that near to a command."""
    try:
        return model.model_validate_json(value, context=ONCE_TAKEN)
    except ValidationError:
        return None
