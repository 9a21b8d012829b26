"""What can be asked of the service, on which topic, and how its answer is told from all others."""

from typing import NamedTuple, TypeAlias

import orjson

from contracts.commands import COMMANDS, AnyCommand, command_name
from contracts.message import Command
from contracts.requests import REQUESTS, AnyRequest, request_name
from contracts.topics import TopicSpec

RESULT_ID = "command_id"
REPLY_ID = "request_id"
"""The member that tells a reply from a result: they share topics."""

Asked: TypeAlias = AnyCommand | AnyRequest

_TOPICS: dict[type[Asked], TopicSpec] = {
    **{command: topic for topic, command in COMMANDS.items()},
    **{request: topic for topic, request in REQUESTS.items()},
}
_NAMES: dict[type[Asked], str] = {
    **{command: command_name(topic) for topic, command in COMMANDS.items()},
    **{request: request_name(topic) for topic, request in REQUESTS.items()},
}


class Question(NamedTuple):
    """What an answer repeats of what was asked. Results and replies share a topic."""

    id_name: str
    """`command_id` of a command and its result, `request_id` of a request and its reply."""
    id: str
    username: str
    type: str
    """Of a request. A command id belongs to one command, whatever its type."""


def topic_of(asked: Asked) -> TopicSpec:
    """Return the topic that *asked* travels on."""
    return _TOPICS[type(asked)]


def name_of(asked: Asked) -> str:
    """Return what answers call it, such as `get-balance`."""
    return _NAMES[type(asked)]


def question_of(asked: Asked) -> Question:
    """Return what the answer to *asked* will repeat."""
    if isinstance(asked, Command):
        return Question(RESULT_ID, asked.command_id, asked.username, "")
    return Question(REPLY_ID, asked.request_id, asked.username, name_of(asked))


def question_answered(value: bytes | None) -> Question | None:
    """Return what the answer *value* repeats; None where it is no answer."""
    try:
        body = orjson.loads(value or b"")
        if REPLY_ID in body:
            return Question(REPLY_ID, str(body[REPLY_ID]), str(body["username"]), str(body["type"]))
        return Question(RESULT_ID, str(body[RESULT_ID]), str(body["username"]), "")
    except (orjson.JSONDecodeError, KeyError, TypeError, IndexError):
        return None
