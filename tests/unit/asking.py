"""Short ways to ask, and to read what was answered."""

from typing import Any

import orjson

from contracts.replies import Reply
from contracts.requests import QUERIES, AnyRequest, request_name
from handlers.model.input_records import RequestRecord
from handlers.model.outcome import Source, Trace
from workers.requests.answering import AnsweredRequest

MODELS = {request_name(topic): model for topic, model in QUERIES.items()}


def a_question(name: str, username: str = "alice", **fields: Any) -> AnyRequest:
    """Return a question as it is read from its record."""
    body = {"request_id": "ask-1", "username": username, **fields}
    return MODELS[name].model_validate_json(orjson.dumps(body))


def asked(name: str, username: str = "alice", **fields: Any) -> RequestRecord:
    """Return a question, with what its record adds."""
    request = a_question(name, username, **fields)
    return RequestRecord(
        request=request,
        type=name,
        source=Source(topic=f"accounts.requests.{name}", partition=1, offset=7),
        timestamp_ms=1_893_499_200_000,
        trace=Trace(correlation_id=request.request_id),
    )


def reply_of(said: AnsweredRequest) -> Reply:
    """Return the reply as a caller reads it."""
    return Reply.model_validate_json(said.reply.value)
