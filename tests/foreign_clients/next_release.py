"""A service of a later release, as far as its callers see it: it says what nobody knows yet."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import NewTopic

from tests.e2e.running import RunningService
from tests.foreign_clients.sealed_answers import sealed_tokens
from workers.kafka.connection import kafka_admin
from workers.kafka.topics import create_topics

ASKED = ("commands.register", "commands.deposit", "commands.withdraw", "requests.login")
EVENTS = "events.balance"
PARTITIONS = 12
TO_THE_USER, TO_THE_HOUSE = "9999999999.999999999999999999", "0.000000000000000002"
ALL = "10000000000.000000000000000001"
LESS = "10000000000.000000000000000000"
"""Less by the smallest unit: a double sees no difference, nor does a Decimal of 28 digits."""


def entry(username: str, sequence: int, kind: str, lost: str) -> dict[str, Any]:
    """Return an entry of a kind and with fields that nobody knows."""
    negative = {"posted": "-0.000000000000000001", "held": "0.000000000000000000"}
    return {
        "event_id": f"{username}:{sequence}",
        "username": username,
        "account_id": f"account of {username}",
        "sequence": sequence,
        "kind": kind,
        "command_id": "interest/2031",
        "occurred_at": "2031-01-01T12:00:00.000Z",
        "approved_by": ["four", "eyes"],
        "postings": [
            {"account": username, "currency": "ETH", "amount": TO_THE_USER, "side": "up"},
            {"account": "house:fees", "currency": "ETH", "amount": TO_THE_HOUSE},
            {"account": "house:interest/1", "currency": "ETH", "amount": lost},
        ],
        "balances": {
            "ETH": {**negative, "available": "-0.000000000000000001", "pledged": "1"},
            "USD": {"posted": "1.00", "held": "0.00", "overdraft": "0.00", "available": "1.00"},
        },
    }


def of_release_0_1(username: str, sequence: int) -> dict[str, Any]:
    """Return what counts in the same sequence, without postings and balances."""
    known = dict.fromkeys(("amount", "before", "after", "held", "available"), "1.00")
    event = {**entry(username, sequence, "deposited", "0"), "currency": "USD", **known}
    return {name: event[name] for name in event if name not in ("postings", "balances")}


def events(username: str) -> list[tuple[str, bytes]]:
    """Return the types and values of what stands on the topic: the third one is missing."""
    v1, v2 = "accounts.balance-changed.v1", "accounts.balance-changed.v2"
    first = (v2, json.dumps(entry(username, 1, "interest-paid", f"-{ALL}")).encode())
    return [
        first,
        ("accounts.account-merged.v1", b"\x01 nobody can read this yet"),
        (v1, json.dumps(of_release_0_1(username, 2)).encode()),
        first,
        (v2, json.dumps(entry(username, 4, "interest-charged", f"-{LESS}")).encode()),
    ]


@dataclass
class NextRelease:
    """Answers every record by a script, and remembers where each came."""

    service: RunningService
    """Whose signing key it has."""
    topics: str
    late_for: str
    """The username whose first commands are not answered at once."""
    placed: dict[tuple[str, str], set[int]] = field(default_factory=dict[Any, Any])
    """By the caller and the username: the partitions."""
    times: Counter[str] = field(default_factory=Counter[str])

    def answer(self, topic: str, asked: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return what this record is answered, or None where nothing is."""
        sent_id = asked.get("command_id") or asked["request_id"]
        self.times[sent_id] += 1
        is_first = self.times[sent_id] == 1 and asked["username"] == self.late_for
        username = asked["username"]
        said = {"username": username, "type": topic, "status": "accepted", "trace": {"new": True}}
        said |= {name: sent_id for name in ("command_id", "request_id") if name in asked}
        match topic:
            case "commands.register":
                return None if is_first else said
            case "commands.deposit" if is_first:
                return {**said, "status": "under_review"}
            case "commands.deposit":
                return {**said, "entry": entry(username, 4, "interest-charged", f"-{LESS}")}
            case "commands.withdraw":
                return refused(said, "frozen_by_court")
            case _:
                sealed = sealed_tokens(self.service, asked)
                return {**said, "sealed_tokens": sealed} if sealed else refused(said, "wrong_moon")

    async def serve(self, consumer: Any, producer: Any) -> None:
        """Answer for ever."""
        async for record in consumer:
            topic = record.topic.removeprefix(self.topics)
            asked, headers = json.loads(record.value), dict(record.headers)
            caller = "-".join((asked.get("command_id") or asked["request_id"]).split("-")[:2])
            self.placed.setdefault((caller, record.key.decode()), set()).add(record.partition)
            answered = self.answer(topic, asked)
            if answered is not None:
                reply_to = headers.get("reply_to") or headers["kafka_replyTopic"]
                echoed = [each for each in record.headers if each[0] == "kafka_correlationId"]
                value = json.dumps(answered).encode()
                await producer.send(reply_to.decode(), value, key=record.key, headers=echoed)


def refused(said: Mapping[str, Any], code: str) -> dict[str, Any]:
    """Return a refusal by a code that nobody knows."""
    error = {"code": code, "title": "Not today", "detail": "", "retryable": False, "type": "/"}
    return {**said, "status": "rejected", "error": {**error, "errors": [], "appeal": "/court"}}


@asynccontextmanager
async def a_next_release(
    service: RunningService, usernames: list[str]
) -> AsyncGenerator[NextRelease]:
    """Yield one that serves topics of its own, with events of these users on them."""
    topics = f"{service.prefix}next."
    release = NextRelease(service, topics, late_for=usernames[0])
    bootstrap = service.addresses.kafka
    async with kafka_admin(service.settings) as admin:
        names = [topics + name for name in (*ASKED, EVENTS)]
        await create_topics(admin, [NewTopic(name, PARTITIONS, 1) for name in names])
    producer: Any = AIOKafkaProducer(bootstrap_servers=bootstrap)
    consumer: Any = AIOKafkaConsumer(
        *(topics + name for name in ASKED),
        bootstrap_servers=bootstrap,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=50,
    )
    await producer.start()
    await consumer.start()
    for username in usernames:
        for kind, value in events(username):
            headers = [("ce_type", kind.encode())]
            await producer.send(topics + EVENTS, value, key=username.encode(), headers=headers)
    await producer.flush()
    serving = asyncio.create_task(release.serve(consumer, producer))
    try:
        yield release
    finally:
        serving.cancel()
        [ended] = await asyncio.gather(serving, return_exceptions=True)
        await consumer.stop()
        await producer.stop()
        assert isinstance(ended, asyncio.CancelledError), ended
