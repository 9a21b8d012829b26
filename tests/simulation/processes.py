"""One process as production wires it, on simulated servers."""

import asyncio
from collections.abc import Callable, Collection, Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from aiokafka.errors import KafkaError

from storage.mongo.client import MongoClient
from storage.ports.errors import StoreCheckError, StoreUnavailableError
from tests.simulation.flaws import Flaws
from tests.simulation.kafka.clients import simulated_clients
from tests.simulation.kafka.cluster import SimulatedKafka
from tests.simulation.kafka.reading import GroupReading, reading
from tests.simulation.keys import key_ring, keys_folder
from tests.simulation.mongo.driver import connecting as mongo_connecting
from tests.simulation.mongo.server import MongoServer
from tests.simulation.network import Network, UnforeseenError
from tests.simulation.redis.driver import connecting as redis_connecting
from tests.simulation.redis.server import RedisServer
from workers.batches.membership import Membership
from workers.bootstrap.request_workers import build_identity, build_queries
from workers.bootstrap.workers import (
    Connectors,
    Resources,
    build_credentials,
    build_engine,
    build_housekeeper,
    open_resources,
)
from workers.config.ledger import LedgerOptions
from workers.config.roles import Role
from workers.config.settings import Settings
from workers.credentials.hashing import HashingPolicy, LowPriorityPool, PasswordHasher
from workers.kafka.connection import kafka_connection
from workers.kafka.probe import KafkaProbe
from workers.keys.ring import KeyRing
from workers.monitoring.health import Health, Probe
from workers.monitoring.inputs import Inputs
from workers.monitoring.metrics import Metrics
from workers.monitoring.watchdog import Watchdog
from workers.requests.reader import RequestReader

OPTIONS = LedgerOptions(
    batch_records_max=8,
    lanes=2,
    publish_deadline_ms=2000,
    revoke_timeout_ms=500,
    shutdown_timeout_ms=2000,
    session_timeout_ms=3000,
    retry_backoff_max_ms=1000,
    reply_retry_s=3,
    parked_records_max=4,
    states_again_max=2,
)
"""Everything smaller than in production, so that a few commands reach the bounds."""

CHEAP = HashingPolicy(
    scheme="argon2id",
    argon2_memory_kib=8,
    argon2_time_cost=1,
)
"""The least that the scheme allows: nobody guesses here."""


@cache
def settings(partitions: int) -> Settings:
    """Return the settings of every simulated process."""
    return Settings(  # pyright: ignore[reportCallIssue] - all the others have defaults
        partitions=partitions,
        keys_dir=keys_folder(),
        ledger=OPTIONS,
        mongodb_timeout_ms=2000,
        watchdog_s=30,
        state_sweep_s=8,
        password_hash_threads=1,
    )


@cache
def metrics() -> Metrics:
    """Return what all simulated processes count in: nobody reads it."""
    return Metrics()


def _ring(*_: object, **__: object) -> KeyRing:
    """Return the keys, whatever folder is asked for."""
    return key_ring()


@dataclass(slots=True)
class Servers:
    """What processes connect to; they outlive them."""

    network: Network
    kafka: SimulatedKafka
    mongo: MongoServer
    redis: RedisServer

    def connectors(self) -> Connectors:
        """Return what connects one process to them."""
        connect = mongo_connecting(self.mongo, self.network)
        return Connectors(
            mongo=lambda options: MongoClient(options, connect=connect),
            redis=redis_connecting(self.redis, self.network),
            kafka=simulated_clients(self.kafka),
            ring=_ring,
            metrics=metrics,
        )


@dataclass(slots=True)
class Process:
    """What `workers.bootstrap.app.Service` does, less its web server and its checks."""

    servers: Servers
    settings: Settings
    roles: Collection[Role]
    flaws: Flaws
    ending: asyncio.Event = field(default_factory=asyncio.Event)
    reason: str = "it was asked to stop"
    members: list[Membership[Any]] = field(default_factory=list[Membership[Any]])
    _chores: list[Callable[[], Coroutine[Any, Any, None]]] = field(
        default_factory=list[Callable[[], Coroutine[Any, Any, None]]]
    )

    def stop(self) -> None:
        """Ask it to end as a signal does."""
        self.ending.set()

    async def run(self) -> str:
        """Run until it ends; return why."""
        async with AsyncExitStack() as stack:
            try:
                resources = await open_resources(
                    self.settings, stack, self.roles, self.servers.connectors()
                )
                stack.push_async_callback(resources.schema.leave)
                await resources.schema.announce()
                await self._build(resources, stack)
                readings = await self._started()
                self._look_at_inputs(resources, readings, stack)
            except (StoreCheckError, StoreUnavailableError, KafkaError, UnforeseenError) as error:
                return f"it could not start: {type(error).__name__}"
            await self._live(readings)
        return self.reason

    async def _build(self, resources: Resources, stack: AsyncExitStack) -> None:
        resources.halt.listen(lambda: self._end(resources.halt.reason or ""))
        self._chores.append(resources.schema.run)
        if Role.LEDGER in self.roles:
            self.members.append(build_engine(resources, stack, self.flaws.per_command).membership)
        if Role.IDENTITY in self.roles:
            pool = LowPriorityPool("hashes", 1)
            stack.callback(pool.close)
            hasher = PasswordHasher(CHEAP, pool)
            self.members.append(build_credentials(resources, hasher, stack).membership)
            for reader in build_identity(resources, hasher, stack):
                self._answers(reader)
        if Role.QUERY in self.roles:
            self._answers(build_queries(resources, stack))
        if Role.HOUSEKEEPER in self.roles:
            self._chores.append(build_housekeeper(resources, stack).run)
        watchdog = Watchdog(
            [member.progress for member in self.members],
            watchdog_s=self.settings.watchdog_s,
            end=self._end,
            metrics=resources.metrics,
        )
        self._chores.append(watchdog.run)

    def _answers(self, reader: RequestReader) -> None:
        reader.answerer = self.flaws.answering(reader.answerer)
        self.members.append(reader.membership)

    async def _started(self) -> list[GroupReading]:
        readings = [
            reading(member, self.servers.kafka, around=self.flaws.taking) for member in self.members
        ]
        for each in readings:
            await each.start()
        return readings

    def _look_at_inputs(
        self, resources: Resources, readings: list[GroupReading], stack: AsyncExitStack
    ) -> None:
        """Notice topics that are made again and partitions that are added, as health does."""
        probe = KafkaProbe(kafka_connection(self.settings), resources.kafka)
        stack.push_async_callback(probe.stop)
        inputs = Inputs(probe, [each.consumer for each in readings], resources.metrics)
        health = Health(
            probes=[
                Probe(name="kafka", ask=inputs.ask),
                Probe(name="topics", ask=inputs.compare, last=True),
            ],
            workers=[member.progress for member in self.members],
            watchdog_s=self.settings.watchdog_s,
            metrics=resources.metrics,
        )
        self._chores.append(health.run)

    async def _live(self, readings: list[GroupReading]) -> None:
        chores = [asyncio.create_task(chore()) for chore in self._chores]
        for chore in chores:
            chore.add_done_callback(self._chore_ended)
        await self.ending.wait()
        await asyncio.gather(*(member.drain() for member in self.members))
        for each in readings:
            await each.stop()
        for chore in chores:
            chore.cancel()
        await asyncio.gather(*chores, return_exceptions=True)

    def _chore_ended(self, chore: asyncio.Task[None]) -> None:
        if not chore.cancelled() and (error := chore.exception()) is not None:
            self._end(f"a chore failed: {error!r}")

    def _end(self, reason: str) -> None:
        if not self.ending.is_set():
            self.reason = reason
            self.ending.set()


async def sweep_once(servers: Servers, settings: Settings) -> None:
    """Publish every account's state again, as a housekeeper does; so few are one page."""
    async with AsyncExitStack() as stack:
        roles = frozenset({Role.HOUSEKEEPER})
        resources = await open_resources(settings, stack, roles, servers.connectors())
        sweep = build_housekeeper(resources, stack).sweep
        sweep.after = ""
        while True:
            await sweep.step()
            if not sweep.after and not sweep.unsettled:
                return
