"""Publishes commands as any Kafka client would, and waits for their answers."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias, cast
from uuid import uuid4

import orjson
from aiokafka import AIOKafkaProducer

from client.sealing import seal, sealing_key
from contracts.refusals import COMMAND_REFUSALS
from contracts.registration import Takeover
from contracts.sealing import Purpose
from contracts.topics import DEPOSIT, REGISTER, UPDATE_PROFILE, WITHDRAW, TopicSpec
from tests.e2e.inbox import PATIENCE_S, Inbox, Message, open_inbox
from tests.e2e.running import RunningService

Body: TypeAlias = dict[str, Any]
RawHeaders: TypeAlias = Sequence[tuple[str, bytes | None]]

PASSWORD = "correct horse battery staple"
OWN_KEY = b"<username>"
"""Stands for: key the record by its username, as senders should."""


def an_id() -> str:
    return uuid4().hex


def a_name(start: str = "user") -> str:
    return f"{start}-{uuid4().hex[:12]}"


@dataclass(frozen=True)
class Placed:
    """Where Kafka put a record."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int

    def __str__(self) -> str:
        """Return it as `tests.e2e.inbox.dead_source` does."""
        return f"{self.topic}-{self.partition}@{self.offset}"


class Caller:
    """A sender with an inbox."""

    def __init__(self, service: RunningService, producer: Any, inbox: Inbox) -> None:
        self.service = service
        self.inbox = inbox
        self._producer = producer
        self._key = sealing_key(service.ring().sealing_jwks())

    async def send(
        self,
        topic: TopicSpec | str,
        body: Body | bytes | None,
        *,
        key: bytes | None = OWN_KEY,
        headers: RawHeaders = (),
        partition: int | None = None,
    ) -> Placed:
        """Publish and return once all in-sync replicas have it."""
        if key == OWN_KEY:
            assert isinstance(body, dict)
            key = str(body["username"]).encode()
        value = orjson.dumps(body) if isinstance(body, dict) else body
        name = self.service.topic(topic)
        sent = await self._producer.send_and_wait(
            name, value, key=key, headers=headers, partition=partition
        )
        return Placed(name, sent.partition, sent.offset, sent.timestamp)

    async def ask(self, topic: TopicSpec, body: Body, **how: Any) -> Message:
        """Publish, and return the answer: the next one to this command id."""
        before = len(self.inbox.answers(body["command_id"]))
        within_s = how.pop("within_s", PATIENCE_S)
        await self.send(topic, body, **how)
        answer = await self.inbox.answer(body["command_id"], before + 1, within_s)
        assert answer.code in {None, *COMMAND_REFUSALS[topic]}, "contracts.refusals lacks it"
        return answer

    async def accepted(self, topic: TopicSpec, body: Body, **how: Any) -> Message:
        """As `ask`; fails where the answer is a refusal."""
        answer = await self.ask(topic, body, **how)
        assert answer.body["status"] == "accepted", answer.body
        return answer

    async def refused(self, topic: TopicSpec, body: Body, **how: Any) -> str:
        """As `ask`; returns the code, and fails where the command was accepted."""
        answer = await self.ask(topic, body, **how)
        assert answer.code is not None, answer.body
        return answer.code

    def registration(self, username: str, password: str = PASSWORD, **fields: Any) -> Body:
        """Return the body of a registration."""
        command_id = fields.pop("command_id", None) or an_id()
        body: Body = {
            "command_id": command_id,
            "username": username,
            "email": f"{username}@example.com",
            "first_name": "Given",
            "last_name": "Family",
            "sealed_password": self.sealed(password, command_id, username),
        }
        if (claim := fields.pop("claim", None)) is not None:
            pair = Takeover(claim=claim, password=password).to_seal()
            purpose = Purpose.REGISTER_CLAIM
            body["sealed_claim"] = self.sealed(pair, command_id, username, purpose)
        return body | fields

    def opening(self, username: str, claim: str | None = None, **fields: Any) -> Body:
        """Return the body of an opening, with a claim where there is one."""
        body: Body = {"command_id": an_id(), "username": username} | fields
        if claim is not None:
            sealed = self.sealed(claim, body["command_id"], username, Purpose.OPEN_CLAIM)
            body["sealed_claim"] = sealed
        return body

    def sealed(
        self,
        secret: str,
        command_id: str,
        username: str,
        purpose: Purpose = Purpose.REGISTER_PASSWORD,
    ) -> str:
        return seal(
            secret,
            key=self._key,
            purpose=purpose,
            command_id=command_id,
            username=username,
            issued_at=datetime.now(tz=UTC),
        )

    async def a_user(self, usd: str | None = None, start: str = "user") -> str:
        """Return the name of a user just registered, with that much money."""
        username = a_name(start)
        await self.accepted(REGISTER, self.registration(username))
        if usd is not None:
            await self.accepted(DEPOSIT, a_movement(username, usd))
        return username

    async def deposit(self, username: str, amount: str, currency: str = "USD", **how: Any):
        return await self.accepted(DEPOSIT, a_movement(username, amount, currency), **how)

    async def withdraw(self, username: str, amount: str, currency: str = "USD", **how: Any):
        return await self.ask(WITHDRAW, a_movement(username, amount, currency), **how)

    async def update_profile(self, username: str, **fields: Any) -> Message:
        return await self.ask(UPDATE_PROFILE, a_profile_change(username, **fields))


def a_movement(username: str, amount: str, currency: str = "USD", **fields: Any) -> Body:
    """Return the body of a deposit or withdrawal."""
    body = {
        "command_id": an_id(),
        "username": username,
        "amount": amount,
        "currency": currency,
    }
    return body | fields


def a_profile_change(username: str, **fields: Any) -> Body:
    return {"command_id": an_id(), "username": username} | fields


@asynccontextmanager
async def open_producer(service: RunningService, **settings: Any) -> AsyncGenerator[Any]:
    """Open a plain producer: acks=all, idempotent, Java's partitioner."""
    told: dict[str, Any] = {
        "bootstrap_servers": service.addresses.kafka,
        "enable_idempotence": True,
        "max_request_size": 2 * 1024 * 1024,
        **settings,
    }
    producer = cast("Any", AIOKafkaProducer(**told))
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


@asynccontextmanager
async def open_caller(service: RunningService) -> AsyncGenerator[Caller]:
    """Open a sender and an inbox that follows everything published."""
    async with open_producer(service) as producer, open_inbox(service) as inbox:
        yield Caller(service, producer, inbox)
