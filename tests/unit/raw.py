"""Raw records of the command topics, as a poll returns them."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from contracts import topics
from contracts.topics import TopicSpec
from tests.consumed import consumed
from tests.received import PREFIX, SEALED
from workers.consuming.records import Raw

DEPOSIT_BODY: Mapping[str, Any] = {
    "command_id": "c-1",
    "username": "alice",
    "amount": "10.50",
    "currency": "USD",
}
OPEN_BODY: Mapping[str, Any] = {"command_id": "c-1", "username": "alice"}
REGISTER_BODY: Mapping[str, Any] = {
    "command_id": "c-1",
    "username": "alice",
    "email": "alice@example.com",
    "first_name": "Alice",
    "last_name": "Liddell",
    "sealed_password": SEALED,
}
UPDATE_BODY: Mapping[str, Any] = {"command_id": "c-1", "username": "alice", "first_name": "A"}

COMMAND_BODIES: Mapping[TopicSpec, Mapping[str, Any]] = {
    topics.OPEN: OPEN_BODY,
    topics.REGISTER: REGISTER_BODY,
    topics.DEPOSIT: DEPOSIT_BODY,
    topics.UPDATE_PROFILE: UPDATE_BODY,
    topics.WITHDRAW: DEPOSIT_BODY,
}
"""The least that each command needs."""


def a_raw(
    body: object = DEPOSIT_BODY,
    topic: TopicSpec = topics.DEPOSIT,
    *,
    value: bytes | None = b"",
    key: bytes | None = b"alice",
    headers: Sequence[tuple[str, bytes | None]] = (),
    offset: int = 7,
) -> Raw:
    """Return a record with *body* as its JSON value, or with exactly *value*."""
    content = orjson.dumps(body) if value == b"" else value
    return consumed(PREFIX + topic.name, content, key=key, headers=headers, offset=offset)
