"""Asks Kafka what topics it has, for health."""

from collections.abc import Collection, Mapping

from aiokafka.admin import AIOKafkaAdminClient

from client.topics_now import TopicNow, topics_now
from workers.kafka.clients import AIOKAFKA, KafkaClients
from workers.kafka.publishing import Connection


class KafkaProbe:
    """One connection of its own, so that a busy consumer does not look like a dead broker."""

    def __init__(self, connection: Connection, clients: KafkaClients = AIOKAFKA) -> None:
        self._connection = connection
        self._clients = clients
        self._admin: AIOKafkaAdminClient | None = None

    async def topics(self, names: Collection[str]) -> Mapping[str, TopicNow]:
        """Return those of *names* that exist.

        Raises:
            KafkaError: Nobody answers.
        """
        if self._admin is None:
            admin = self._clients.admin(**self._connection)
            await admin.start()
            self._admin = admin
        try:
            return await topics_now(self._admin, names)
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Close the connection."""
        admin, self._admin = self._admin, None
        if admin is not None:
            await admin.close()
