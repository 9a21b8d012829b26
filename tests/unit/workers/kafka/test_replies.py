"""However many reply topics callers name, they are asked for on one connection (P11, P12)."""

import asyncio
from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError

from workers.kafka.clients import KafkaClients
from workers.kafka.publishing import Outgoing, Publisher
from workers.kafka.replies import AddressedAnswer, Replies
from workers.monitoring.metrics import Metrics

TOPICS = [f"accounts.replies.{number}" for number in range(20)]


class Admin:
    """Knows no topic, or does not answer; counts how many of its kind are open."""

    opened = 0
    closed = 0
    answers = True

    def __init__(self, **_: Any) -> None:
        Admin.opened += 1

    async def start(self) -> None:
        await asyncio.sleep(0)

    async def close(self) -> None:
        Admin.closed += 1

    async def describe_topics(self, topics: list[str]) -> list[dict[str, Any]]:
        await asyncio.sleep(0)
        if not self.answers:
            raise KafkaConnectionError("told to fail")
        return [{"topic": topic, "error_code": 3} for topic in topics]


@pytest.fixture(autouse=True)
def admin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Admin, "opened", 0)
    monkeypatch.setattr(Admin, "closed", 0)
    monkeypatch.setattr(Admin, "answers", True)


def a_deliverer(admin: Any = Admin) -> Replies:
    publisher = Publisher({}, deadline_ms=1000, metrics=Metrics())
    clients = KafkaClients(admin=admin)
    return Replies({}, publisher, allowed=".*", timeout_ms=1000, retry_s=30, clients=clients)


async def undelivered() -> tuple[Replies, list[bytes]]:
    """Answer to all topics at once; return why each answer came back."""
    asked = a_deliverer()
    answer = Outgoing("accounts.results", b"alice", b"{}", [])
    back = await asked.deliver([AddressedAnswer(to=topic, answer=answer) for topic in TOPICS])
    return asked, [[*record.headers][-1][1] for record in back]


async def test_topics_named_at_once_are_asked_for_on_one_connection() -> None:
    asked, problems = await undelivered()
    await asked.stop()

    assert problems == [b"missing"] * len(TOPICS)
    assert (Admin.opened, Admin.closed) == (1, 1)


async def test_a_connection_that_failed_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Admin, "answers", False)

    _, problems = await undelivered()

    assert problems == [b"unavailable"] * len(TOPICS)
    assert Admin.opened == Admin.closed


async def test_a_question_that_fails_takes_no_other_along() -> None:
    """P11."""
    asked = a_deliverer(HalfDeafAdmin)
    answer = Outgoing("accounts.results", b"alice", b"{}", [])

    back = await asked.deliver([AddressedAnswer(to=topic, answer=answer) for topic in TOPICS])

    problems = [[*record.headers][-1][1] for record in back]
    assert problems == [b"unavailable"] + [b"missing"] * (len(TOPICS) - 1)


class HalfDeafAdmin(Admin):
    """Fails on the first topic; closed, it fails on all that it was asked."""

    def __init__(self, **_: Any) -> None:
        self._closed = False

    async def close(self) -> None:
        self._closed = True

    async def describe_topics(self, topics: list[str]) -> list[dict[str, Any]]:
        if topics == TOPICS[:1]:
            raise KafkaConnectionError("told to fail")
        for _ in range(10):
            await asyncio.sleep(0)
        if self._closed:
            raise KafkaConnectionError("closed")
        return [{"topic": topic, "error_code": 3} for topic in topics]
