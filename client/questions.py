"""What can be asked of the service, on which topic, and how its answer is told from all others."""

import hashlib
import re
import secrets
from typing import NamedTuple, TypeAlias

import pydantic_core

from contracts.commands import COMMANDS, AnyCommand, command_name
from contracts.message import Command
from contracts.requests import REQUESTS, AnyRequest, request_name
from contracts.topics import TopicSpec

RESULT_ID = "command_id"
REPLY_ID = "request_id"
"""The member that tells a reply from a result: they share topics."""

TICKET_BYTES = 16
"""Of a ticket: no two questions ever have the same."""

_TICKET_KEY = secrets.token_bytes(32)
"""Nobody can find out what was asked, such as a birthday, from a ticket by trying."""

_PLAIN = re.compile(r"[ -~]+")
"""A correlation id that the service echoes; for any other it puts the id of what is asked."""

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
    """What is asked, such as `deposit`: another may be asked under the same id, and be refused."""


def topic_of(asked: Asked) -> TopicSpec:
    """Return the topic that *asked* travels on."""
    return _TOPICS[type(asked)]


def name_of(asked: Asked) -> str:
    """Return what answers call it, such as `get-balance`."""
    return _NAMES[type(asked)]


def question_of(asked: Asked) -> Question:
    """Return what the answer to *asked* will repeat."""
    if isinstance(asked, Command):
        return Question(RESULT_ID, asked.command_id, asked.username, name_of(asked))
    return Question(REPLY_ID, asked.request_id, asked.username, name_of(asked))


def content_of(asked: Asked) -> bytes:
    """Return *asked* as it is sent."""
    # Only what was set: an absent profile field means "unchanged", unlike null.
    return asked.model_dump_json(exclude_unset=True, by_alias=True).encode()


def ticket_of(asked: Asked) -> str:
    """Return a correlation id for *asked*: the same whenever the same is asked by this program.

    Answers repeat it, so that the one to another amount under the same id is told from ours, while
    one to an earlier try of ours counts.
    """
    content = name_of(asked).encode() + content_of(asked)
    return hashlib.blake2b(content, key=_TICKET_KEY, digest_size=TICKET_BYTES).hexdigest()


def correlation_answered(asked: Asked, sent: str) -> str:
    """Return the correlation id that the answer to *asked* has where *sent* was sent along."""
    return sent if _PLAIN.fullmatch(sent) else question_of(asked).id


def question_answered(value: bytes | None) -> Question | None:
    """Return what the answer *value* repeats; None where it is no answer."""
    try:
        body = pydantic_core.from_json(value or b"", cache_strings="keys")
        id_name = REPLY_ID if REPLY_ID in body else RESULT_ID
        return Question(id_name, str(body[id_name]), str(body["username"]), str(body["type"]))
    except (ValueError, KeyError, TypeError, IndexError):
        return None
