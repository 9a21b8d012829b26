"""Records to requests. A bad record is a value, not an exception."""

from collections.abc import Mapping

from pydantic import ValidationError

from contracts import headers as names
from contracts.codes import Code
from contracts.json_names import repeats_a_name
from contracts.requests import AnyRequest, request_name
from contracts.topics import TopicSpec
from handlers.asked import Asked
from handlers.outcome import Source
from workers.consuming.headers import (
    kafka_correlation_id,
    read_headers,
    reply_to_of,
    trace_of,
)
from workers.consuming.records import Raw
from workers.consuming.unreadable import Faults, Unreadable

_FAULTS = Faults(inputs="requests", code=Code.INVALID_REQUEST, id_field="request_id")


class RequestParser:
    """Reads the records of some request topics under one prefix."""

    def __init__(self, topics: Mapping[TopicSpec, type[AnyRequest]], prefix: str) -> None:
        self._inputs = {
            prefix + topic.name: (topic, model, request_name(topic))
            for topic, model in topics.items()
        }

    def topic(self, record: Raw) -> TopicSpec:
        """Return which topic *record* stands on."""
        return self._inputs[record.topic][0]

    def parse(self, record: Raw) -> Asked | Unreadable:
        """Return the request in *record*, or what is wrong with it."""
        topic, model, name = self._inputs[record.topic]
        if record.value is None:
            return _FAULTS.valueless(record, topic)
        try:
            request = model.model_validate_json(record.value)
        except ValidationError as error:
            return _FAULTS.invalid(record, topic, model, error)
        if repeats_a_name(record.value, len(request.model_fields_set)):
            return _FAULTS.repetitive(record, topic)
        if record.key is not None and record.key != request.username.encode():
            return _FAULTS.misplaced(record, topic)
        headers = read_headers(record.headers)
        return Asked(
            request=request,
            type=name,
            source=Source(topic=record.topic, partition=record.partition, offset=record.offset),
            timestamp_ms=record.timestamp,
            trace=trace_of(headers, request.request_id),
            reply_to=reply_to_of(headers),
            kafka_correlation_id=kafka_correlation_id(record.headers),
            actor=headers.get(names.ACTOR),
            record=record,
        )
