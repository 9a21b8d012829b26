"""Workers inside the test's own process, so that a test can give them something of its own."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any

from faststream.kafka import KafkaBroker

from contracts.requests import QUERIES
from tests.e2e.running import RunningService
from workers.batches.membership import Membership
from workers.bootstrap.consumers import Consumers
from workers.bootstrap.workers import build_engine, open_resources
from workers.config.settings import Settings
from workers.kafka.connection import kafka_connection
from workers.kafka.publishing import Publisher
from workers.kafka.replies import Replies
from workers.ledger.engine import Engine
from workers.monitoring.corrupt import CorruptDocuments
from workers.monitoring.metrics import Metrics
from workers.monitoring.progress import Progress
from workers.requests.answering import Answerer
from workers.requests.reader import RequestReader


@asynccontextmanager
async def ledger_here(service: RunningService, settings: Settings) -> AsyncGenerator[Engine]:
    """Run a ledger worker until the block ends."""
    async with AsyncExitStack() as stack:
        resources = await open_resources(service.settings, stack)
        engine = build_engine(replace(resources, settings=settings), stack)
        async with _reading(service, engine.membership):
            yield engine


@asynccontextmanager
async def queries_here(service: RunningService, answerer: Answerer) -> AsyncGenerator[Metrics]:
    """Have *answerer* answer what is asked on the topics of the queries, until the block ends."""
    metrics, connection = Metrics(), kafka_connection(service.settings)
    publisher = Publisher(connection, deadline_ms=10_000, metrics=metrics)
    to_callers = Publisher(connection, deadline_ms=1000, metrics=metrics)
    allowed = service.settings.reply_to_pattern
    replies = Replies(connection, to_callers, allowed=allowed, timeout_ms=1000, retry_s=30)
    reader = RequestReader(
        answerer,
        group=f"{service.prefix}queries-here",
        topics=QUERIES,
        prefix=service.prefix,
        publisher=publisher,
        replies=replies,
        metrics=metrics,
        corrupt=CorruptDocuments(metrics),
        progress=Progress("queries"),
        options=service.settings.ledger,
    )
    try:
        async with _reading(service, reader.membership):
            yield metrics
    finally:
        await replies.stop()
        await publisher.stop()


@asynccontextmanager
async def _reading(service: RunningService, member: Membership[Any]) -> AsyncGenerator[None]:
    broker = KafkaBroker(service.addresses.kafka, allow_auto_create_topics=False, logger=None)
    member.subscribe(broker)
    await Consumers([member]).connect(broker)
    await broker.start()
    try:
        yield
        await member.drain()
    finally:
        await broker.stop()
