"""The ledger worker inside the test's own process, so that a test can give it settings of its own."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

from faststream.kafka import KafkaBroker

from tests.e2e.running import RunningService
from workers.building import build_engine, open_resources
from workers.config import Settings
from workers.consumers import Consumers
from workers.ledger.engine import Engine
from workers.ledger.subscriber import add_ledger


@asynccontextmanager
async def ledger_here(service: RunningService, settings: Settings) -> AsyncGenerator[Engine]:
    """Run a ledger worker until the block ends."""
    async with AsyncExitStack() as stack:
        resources = await open_resources(service.settings, stack)
        engine = build_engine(replace(resources, settings=settings), stack)
        broker = KafkaBroker(service.addresses.kafka, allow_auto_create_topics=False, logger=None)
        add_ledger(broker, engine)
        await Consumers([engine]).connect(broker)
        await broker.start()
        try:
            yield engine
            await engine.drain()
        finally:
            await broker.stop()
