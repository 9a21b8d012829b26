"""A publisher for who writes something once, beside the workers."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from workers.config.settings import Settings
from workers.kafka.connection import kafka_connection
from workers.kafka.publishing import Publisher
from workers.monitoring.metrics import Metrics


@asynccontextmanager
async def kafka_publisher(settings: Settings) -> AsyncGenerator[Publisher]:
    """Open a publisher with a worker's deadline; its metrics are nobody's."""
    publisher = Publisher(
        kafka_connection(settings),
        deadline_ms=settings.ledger.publish_deadline_ms,
        metrics=Metrics(),
    )
    try:
        yield publisher
    finally:
        await publisher.stop()
