"""Answers to the topics that callers own: they may be missing, forbidden or slow."""

import asyncio
import contextlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from msgspec.structs import replace

from client.shared import Shared
from contracts.headers import UNDELIVERED
from workers.clock import monotonic_s
from workers.kafka.clients import AIOKAFKA, KafkaClients
from workers.kafka.publishing import Connection, Outgoing, Publisher, PublishError

KNOWN_S = 60.0
"""How long a reply topic that was seen is taken to exist."""

CLOSE_TIMEOUT_S = 5.0
"""Longest wait for a connection to close; it takes a moment."""

NO_ERROR = 0
"""Kafka's error code NONE: the topic is there, and may be seen."""

TOPICS_MAX = 10_000
"""Reply topics remembered: callers choose the names, so the memory is bounded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressedAnswer:
    """An answer, addressed to the results topic, and where its sender wants it instead."""

    to: str
    answer: Outgoing


class Replies:
    """Delivers answers within a short bound, or says which ones go to the results topic.

    One caller's broken topic costs the others nothing: whether a topic exists is asked before
    anything is sent to it, and one that failed is left alone for a while.
    """

    def __init__(
        self,
        connection: Connection,
        publisher: Publisher,
        *,
        allowed: str,
        timeout_ms: int,
        retry_s: int,
        clients: KafkaClients = AIOKAFKA,
    ) -> None:
        self._connection = connection
        self._clients = clients
        self._publisher = publisher
        self._allowed = re.compile(allowed)
        self._timeout_s = timeout_ms / 1000
        self._retry_s = retry_s
        self._usable_until_s: dict[str, float] = {}
        self._left_alone: dict[str, tuple[float, str]] = {}
        self._admins = Shared(self._started, _closed, open_timeout_s=self._timeout_s)

    async def deliver(self, replies: Sequence[AddressedAnswer]) -> Sequence[Outgoing]:
        """Send what can be sent; return the rest, marked, for the results topic."""
        by_topic: dict[str, list[AddressedAnswer]] = {}
        for reply in replies:
            by_topic.setdefault(reply.to, []).append(reply)
        if not by_topic:
            return ()
        delivered = await asyncio.gather(
            *(self._to_topic(topic, batch) for topic, batch in by_topic.items())
        )
        return [record for rest in delivered for record in rest]

    async def stop(self) -> None:
        """Close the connections."""
        await self._publisher.stop()
        await self._admins.stop()

    async def _to_topic(self, topic: str, replies: Sequence[AddressedAnswer]) -> Sequence[Outgoing]:
        problem = await self._problem_with(topic)
        if problem is None:
            try:
                await self._publisher.publish(
                    [replace(reply.answer, topic=topic) for reply in replies]
                )
            except PublishError:
                problem = "unavailable"
                self._leave_alone(topic, problem)
        if problem is None:
            return ()
        mark = (UNDELIVERED, problem.encode())
        return [replace(reply.answer, headers=[*reply.answer.headers, mark]) for reply in replies]

    async def _problem_with(self, topic: str) -> str | None:
        """Return why *topic* cannot be written to, or None."""
        now_s = monotonic_s()
        if not self._allowed.fullmatch(topic):
            return "not_allowed"
        if self._usable_until_s.get(topic, 0.0) > now_s:
            return None
        until_s, problem = self._left_alone.get(topic, (0.0, ""))
        if until_s > now_s:
            return problem
        try:
            async with self._admins.use(self._timeout_s) as admin:
                [described] = await admin.describe_topics([topic])
        except (KafkaError, TimeoutError):
            return "unavailable"
        if described["error_code"] != NO_ERROR:
            self._leave_alone(topic, "missing")
            return "missing"
        if len(self._usable_until_s) >= TOPICS_MAX:
            self._usable_until_s.clear()
        self._usable_until_s[topic] = now_s + KNOWN_S
        return None

    async def _started(self) -> AIOKafkaAdminClient:
        admin = self._clients.admin(**self._connection)
        try:
            await admin.start()
        except BaseException:
            await admin.close()
            raise
        return admin

    def _leave_alone(self, topic: str, problem: str) -> None:
        if len(self._left_alone) >= TOPICS_MAX:
            self._left_alone.clear()
        self._usable_until_s.pop(topic, None)
        self._left_alone[topic] = (monotonic_s() + self._retry_s, problem)


async def _closed(admin: AIOKafkaAdminClient) -> None:
    with contextlib.suppress(KafkaError, TimeoutError):
        async with asyncio.timeout(CLOSE_TIMEOUT_S):
            await admin.close()
