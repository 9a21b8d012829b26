"""Commands as they are sent: what the golden messages hold of each."""

from collections.abc import Iterator
from typing import Any

import orjson

from contracts import topics
from contracts.commands import COMMANDS
from contracts.topics import TopicSpec
from handlers.wire.rendering import Record
from tests.wire.message import SEALED, Example

COMMANDS_SENT: dict[TopicSpec, dict[str, Any]] = {
    topics.OPEN: {
        "command_id": "c-0",
        "username": "auth0|5f7c8ec7c33c6c004bbafe82",
        "email": "bob@example.com",
    },
    topics.REGISTER: {
        "command_id": "c-1",
        "username": "alice",
        "email": "alice@example.com",
        "first_name": "Alice",
        "last_name": "Example",
        "phone": "+14155550123",
        "date_of_birth": "1990-02-28",
        "marketing_consent": True,
        "sealed_password": SEALED,
    },
    topics.DEPOSIT: {
        "command_id": "c-2",
        "username": "alice",
        "amount": "10.50",
        "currency": "USD",
        "expires_at": "2030-01-01T12:00:00.000Z",
        "metadata": {"order": "A-1001"},
        "reason": "sale",
        "related_id": "A-1001",
    },
    topics.WITHDRAW: {"command_id": "c-3", "username": "alice", "amount": "1", "currency": "JPY"},
    topics.UPDATE_PROFILE: {"command_id": "c-4", "username": "alice", "phone": None},
}
assert COMMANDS_SENT.keys() == COMMANDS.keys()


def examples() -> Iterator[Example]:
    """Yield each command, and those that may have a claim also with one."""
    for topic, body in COMMANDS_SENT.items():
        yield Example("command", topic, body["username"].encode(), Record(orjson.dumps(body), []))
    housed = {**COMMANDS_SENT[topics.DEPOSIT], "house": "opening"}
    yield Example("with-house", topics.DEPOSIT, b"alice", Record(orjson.dumps(housed), []))
    for topic in (topics.OPEN, topics.REGISTER):
        claimed = {**COMMANDS_SENT[topic], "username": "bob", "sealed_claim": SEALED}
        yield Example("with-claim", topic, b"bob", Record(orjson.dumps(claimed), []))
