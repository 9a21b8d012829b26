"""One process: its workers on one FastStream application, the sidecar beside them."""

import asyncio
import gc
import logging
import os
import signal
import threading
from collections.abc import AsyncGenerator, Callable, Collection, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import uvicorn
from faststream.asgi import AsgiFastStream

from contract_docs.document import Contract
from storage.ports import STORE
from storage.ports.errors import StoreCheckError, StoreUnavailableError
from storage.redis import RedisHealth
from workers.batches.membership import Membership
from workers.bootstrap.checks import CheckFailedError, run_checks
from workers.bootstrap.consumers import Consumers
from workers.bootstrap.reading_broker import ReadingBroker
from workers.bootstrap.request_workers import build_identity, build_queries
from workers.bootstrap.schema_watch import SchemaWatch
from workers.bootstrap.sidecar import sidecar_routes
from workers.bootstrap.sidecar_server import listen, sidecar_server, sidecar_tls
from workers.bootstrap.workers import (
    Resources,
    build_credentials,
    build_engine,
    build_hasher,
    build_housekeeper,
    open_resources,
)
from workers.config.roles import ALL, Role
from workers.config.settings import Settings
from workers.consuming.lag import Lag
from workers.kafka.connection import kafka_connection
from workers.kafka.probe import KafkaProbe
from workers.kafka.security import kafka_security
from workers.monitoring.error_places import places
from workers.monitoring.halt import Halt
from workers.monitoring.health import Health, Probe
from workers.monitoring.inputs import Inputs
from workers.monitoring.logs import set_up_logging
from workers.monitoring.watchdog import Watchdog

logger = logging.getLogger(__name__)

END_MARGIN_S = 10.0
"""Beyond the bounded parts of a stop: after that the process ends, whatever still hangs."""

ALLOCATIONS_BEFORE_COLLECTION = 200_000
"""Objects more than freed before the collector looks: as many as some cycles make."""

FAILED = 1
"""Exit code of a process that its watchdog ended."""


class Service:
    """What runs in this process, put together from the roles asked for."""

    def __init__(self, settings: Settings, roles: Collection[Role]) -> None:
        self.settings = settings
        self._roles = roles
        self._members: list[Membership[Any]] = []
        self._chores: list[Callable[[], Coroutine[Any, Any, None]]] = []
        self._halt = Halt()
        self.reason: str | None = None
        """Why the process had to end."""
        self.server: uvicorn.Server | None = None

    async def build(self, stack: AsyncExitStack) -> AsgiFastStream:
        """Open everything and return the application; *stack* closes what was opened."""
        settings = self.settings
        resources = await open_resources(settings, stack, self._roles)
        await self._announce(resources.schema, stack)
        broker = ReadingBroker(
            *settings.kafka_bootstrap.split(","),
            end=self._end,
            security=kafka_security(settings),
            allow_auto_create_topics=False,
            graceful_timeout=settings.ledger.shutdown_timeout_ms / 1000,
            logger=None,
        )
        await self._add_workers(resources, stack)
        for member in self._members:
            member.subscribe(broker)
        consumers = Consumers(self._members, skips=settings.undecodable_batches == "skip")
        broker.consumers = consumers
        contract = _contract(settings)
        health = self._watched(resources, consumers, stack)
        ring = resources.ring
        routes = sidecar_routes(
            health,
            resources.metrics.registry,
            ring.jwks,
            ring.sealing_jwks,
            lambda: contract.written,
        )
        return AsgiFastStream(
            broker,
            asgi_routes=routes,
            specification=contract,
            logger=None,
            lifespan=self._lifespan,
            on_shutdown=[self._drain],
        )

    async def _announce(self, schema: SchemaWatch, stack: AsyncExitStack) -> None:
        """Tell who upgrades that this process runs, before it reads what that may change.

        Raises:
            CheckFailedError: The data is for a later release.
        """
        stack.push_async_callback(schema.leave)
        try:
            await schema.announce()
        except (StoreCheckError, StoreUnavailableError) as error:
            raise CheckFailedError(str(error)) from error
        self._chores.append(schema.run)

    def _watched(self, resources: Resources, consumers: Consumers, stack: AsyncExitStack) -> Health:
        """Return the health of this process; add what watches over it to the chores."""
        settings, metrics = self.settings, resources.metrics
        progress = [member.progress for member in self._members]
        probe = KafkaProbe(kafka_connection(settings), resources.kafka)
        stack.push_async_callback(probe.stop)
        inputs = Inputs(probe, consumers.built, metrics)
        health = Health(
            probes=[
                Probe(name="kafka", ask=inputs.ask),
                Probe(name="topics", ask=inputs.compare, last=True),
                Probe(name=STORE, ask=resources.mongo.ping),
                Probe(name="redis", ask=RedisHealth(resources.redis).ping, required=False),
                resources.schema.probe(),
            ],
            workers=progress,
            watchdog_s=settings.watchdog_s,
            metrics=metrics,
        )
        watchdog = Watchdog(
            progress, watchdog_s=settings.watchdog_s, end=self._end, metrics=metrics
        )
        self._halt = resources.halt
        self._halt.listen(lambda: self._end(self._halt.reason or ""))
        self._chores += [
            health.run,
            watchdog.run,
            Lag(consumers.built, metrics).run,
        ]
        return health

    async def _add_workers(self, resources: Resources, stack: AsyncExitStack) -> None:
        if Role.LEDGER in self._roles:
            self._members.append(build_engine(resources, stack).membership)
        if Role.IDENTITY in self._roles:
            await self._add_identity(resources, stack)
        if Role.QUERY in self._roles:
            self._members.append(build_queries(resources, stack).membership)
        if Role.HOUSEKEEPER in self._roles:
            self._chores.append(build_housekeeper(resources, stack).run)

    async def _add_identity(self, resources: Resources, stack: AsyncExitStack) -> None:
        hasher = build_hasher(resources, stack)
        cost_s = await hasher.measure_cost_s()
        logger.info("hashing one password takes %.0f ms on this machine", cost_s * 1000)
        self._members.append(build_credentials(resources, hasher, stack).membership)
        for reader in build_identity(resources, hasher, stack):
            self._members.append(reader.membership)

    @asynccontextmanager
    async def _lifespan(self) -> AsyncGenerator[None]:
        chores = [asyncio.create_task(chore()) for chore in self._chores]
        for chore in chores:
            chore.add_done_callback(self._note_end)
        try:
            yield
        finally:
            for chore in chores:
                chore.cancel()
            await asyncio.gather(*chores, return_exceptions=True)

    def _note_end(self, chore: asyncio.Task[None]) -> None:
        """End the process with a chore that failed: nobody would look at health any more."""
        if not chore.cancelled() and (error := chore.exception()) is not None:
            logger.error("a chore of this process failed: %s", places(error))
            self._halt.now(f"a chore failed: {type(error).__name__}")

    async def _drain(self) -> None:
        """Finish what is in hand; the group is left afterwards."""
        longest_s = self.settings.ledger.shutdown_timeout_ms / 1000 + END_MARGIN_S
        # A thread, because what hangs may be the loop, or the interpreter's own end.
        timer = threading.Timer(longest_s, _end_hard)
        timer.daemon = True
        timer.start()
        await asyncio.gather(*(member.drain() for member in self._members))

    def _end(self, reason: str) -> None:
        self.reason = self.reason or reason
        if self.server is not None:
            self.server.should_exit = True


def _contract(settings: Settings) -> Contract:
    return Contract(
        prefix=settings.topic_prefix,
        bootstrap=settings.kafka_bootstrap,
        partitions=settings.partitions,
    )


async def run_worker(
    settings: Settings,
    roles: Collection[Role] = ALL,
    on_listening: Callable[[str], None] | None = None,
) -> int:
    """Run until a signal or the watchdog ends it; return the exit code.

    *on_listening* is called with the sidecar's address once it answers.

    Raises:
        CheckFailedError: Something it needs is missing; nothing was consumed.
    """
    set_up_logging(settings.log_level, settings.log_format)
    for warning in await run_checks(settings, roles):
        logger.warning("%s", warning)
    service = Service(settings, roles)
    tls, listener = sidecar_tls(settings), listen(settings)
    host, port = listener.getsockname()[:2]
    address = f"{settings.sidecar_scheme}://{host}:{port}"
    async with AsyncExitStack() as stack:
        app = await service.build(stack)
        service.server = server = sidecar_server(app, tls)
        logger.info("sidecar at %s, workers: %s", address, ", ".join(sorted(roles)))
        if on_listening is not None:
            on_listening(address)
        _calm_collector()
        _outlive_signals()
        await server.serve(sockets=[listener])
    if service.reason is not None:
        logger.error("ended: %s", service.reason)
        return FAILED
    return 0 if server.started else FAILED


def _calm_collector() -> None:
    """Look for reference cycles rarely, and never among what lives as long as the process.

    A cycle's thousands of values hold no reference cycles; looking at them took a tenth of the
    time of deciding.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(ALLOCATIONS_BEFORE_COLLECTION, 10, 10)


def _outlive_signals() -> None:
    """Let the process end by itself.

    After its clean stop the server raises the signal that stopped it once more; that would kill us
    before anything is closed, and the exit code would say so.
    """
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, _obeyed)


def _obeyed(_number: int, _frame: object) -> None:
    """Do nothing: the server has stopped already."""


def _end_hard() -> None:
    logger.error("the stop took too long; ending at once")
    os._exit(FAILED)
