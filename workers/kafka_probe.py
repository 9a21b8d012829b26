"""Asks Kafka whether it answers, for health."""

from aiokafka.admin import AIOKafkaAdminClient

from workers.publishing import Connection


class KafkaProbe:
    """One connection of its own, so that a busy consumer does not look like a dead broker."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._admin: AIOKafkaAdminClient | None = None

    async def ask(self) -> None:
        """Raise unless a broker describes its cluster."""
        if self._admin is None:
            admin = AIOKafkaAdminClient(**self._connection)
            await admin.start()
            self._admin = admin
        try:
            await self._admin.describe_cluster()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Close the connection."""
        admin, self._admin = self._admin, None
        if admin is not None:
            await admin.close()
