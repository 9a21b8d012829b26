"""Asks Kafka whether it answers, and what topics it has, for health."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import TypeVar

from aiokafka.admin import AIOKafkaAdminClient

from client.topics_now import TopicNow, topics_now
from workers.publishing import Connection

T = TypeVar("T")


class KafkaProbe:
    """One connection of its own, so that a busy consumer does not look like a dead broker."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._admin: AIOKafkaAdminClient | None = None

    async def ask(self) -> None:
        """Raise unless a broker describes its cluster."""
        await self._answered(lambda admin: admin.describe_cluster())

    async def topics(self, names: Collection[str]) -> Mapping[str, TopicNow]:
        """Return those of *names* that exist.

        Raises:
            KafkaError: Nobody answers.
        """
        return await self._answered(lambda admin: topics_now(admin, names))

    async def stop(self) -> None:
        """Close the connection."""
        admin, self._admin = self._admin, None
        if admin is not None:
            await admin.close()

    async def _answered(self, ask: Callable[[AIOKafkaAdminClient], Awaitable[T]]) -> T:
        if self._admin is None:
            admin = AIOKafkaAdminClient(**self._connection)
            await admin.start()
            self._admin = admin
        try:
            return await ask(self._admin)
        except BaseException:
            await self.stop()
            raise
