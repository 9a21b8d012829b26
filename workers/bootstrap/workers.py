"""Builds the workers of one process from the settings, and closes what they opened."""

from collections.abc import Callable, Collection
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta

from redis.asyncio import Redis

from contracts.topics import ORDERED
from handlers.ledger.batch import PerCommand
from handlers.model.rules import Rules
from storage.mongo.client import MongoClient, MongoOptions
from storage.mongo.credentials import MongoCredentials
from storage.mongo.data_schema import MongoDataSchema
from storage.mongo.houses import MongoHouses
from storage.mongo.inspection import MongoInspection
from storage.mongo.ledger import MongoLedger
from storage.mongo.reads import MongoReads
from storage.redis import RedisLease, RedisOptions, connect
from workers.batches.answers import Answering, Republisher
from workers.bootstrap.schema_watch import SchemaWatch, this_process
from workers.bootstrap.stores import mongo_options, redis_options
from workers.clock import utc_now
from workers.config.roles import ALL, Role
from workers.config.settings import Settings
from workers.credentials.hash_registrations import CredentialsWorker
from workers.credentials.hashing import HashingPolicy, LowPriorityPool, PasswordHasher
from workers.credentials.password_gate import PasswordGate
from workers.credentials.reader import CredentialsReader
from workers.housekeeping.bookkeeping import Bookkeeping
from workers.housekeeping.housekeeper import Housekeeper
from workers.housekeeping.recount_rounds import RecountRounds
from workers.housekeeping.sweep import Sweep
from workers.kafka.clients import AIOKAFKA, KafkaClients
from workers.kafka.connection import kafka_connection
from workers.kafka.publishing import Publisher
from workers.kafka.replies import Replies
from workers.kafka.topic_names import TopicNames
from workers.keys.ring import KeyRing, needed_by
from workers.ledger.conclude import guarded
from workers.ledger.dependencies import LedgerDependencies
from workers.ledger.end_offsets import EndOffsets
from workers.ledger.engine import Engine
from workers.monitoring.corrupt import CorruptDocuments
from workers.monitoring.halt import Halt
from workers.monitoring.metrics import Metrics
from workers.monitoring.progress import Progress

LEASE_TTL = timedelta(seconds=15)
"""How long a housekeeper that died keeps the others from taking over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Connectors:
    """What connects a process to what is outside of it."""

    mongo: Callable[[MongoOptions], MongoClient] = MongoClient
    redis: Callable[[RedisOptions], Redis] = connect
    kafka: KafkaClients = AIOKAFKA
    ring: Callable[..., KeyRing] = KeyRing
    metrics: Callable[[], Metrics] = Metrics


REAL = Connectors()


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What all workers of a process share."""

    settings: Settings
    metrics: Metrics
    corrupt: CorruptDocuments
    halt: Halt
    mongo: MongoClient
    ledger: MongoLedger
    credentials: MongoCredentials
    redis: Redis
    ring: KeyRing
    lease: RedisLease
    schema: SchemaWatch
    kafka: KafkaClients = AIOKAFKA


async def open_resources(
    settings: Settings,
    stack: AsyncExitStack,
    roles: Collection[Role] = ALL,
    connectors: Connectors = REAL,
) -> Resources:
    """Connect to the stores; *stack* closes them."""
    ring = connectors.ring(settings.keys_dir, needs=needed_by(roles))
    mongo = connectors.mongo(mongo_options(settings, ring))
    stack.push_async_callback(mongo.close)
    redis = connectors.redis(redis_options(settings))
    stack.push_async_callback(redis.aclose)
    ledger = MongoLedger(mongo)
    metrics, halt = connectors.metrics(), Halt()
    schema = SchemaWatch(MongoDataSchema(mongo), this_process(roles), halt, metrics)
    return Resources(
        settings=settings,
        metrics=metrics,
        corrupt=CorruptDocuments(metrics, schema.check),
        halt=halt,
        mongo=mongo,
        ledger=ledger,
        credentials=MongoCredentials(mongo),
        redis=redis,
        ring=ring,
        lease=RedisLease(
            redis,
            name=f"{settings.topic_prefix}housekeeper",
            ttl=LEASE_TTL,
            next_token=ledger.next_fencing_token,
        ),
        schema=schema,
        kafka=connectors.kafka,
    )


def build_engine(
    resources: Resources,
    stack: AsyncExitStack,
    per_command: Callable[[Rules], PerCommand] = guarded,
) -> Engine:
    """Return the ledger worker; *per_command* is how it decides each command by itself."""
    settings = resources.settings
    publisher, replies = publishing(resources, stack)
    end_offsets = EndOffsets(kafka_connection(settings), resources.kafka)
    stack.push_async_callback(end_offsets.stop)
    pool = LowPriorityPool("seals", 1, niceness=0)  # a cycle waits for it
    stack.callback(pool.close)
    gate = PasswordGate(resources.ring, pool)
    gate.warm_up()
    return Engine(
        LedgerDependencies(
            ledger=resources.ledger,
            publisher=publisher,
            replies=replies,
            end_offsets=end_offsets,
            gate=gate,
            metrics=resources.metrics,
            corrupt=resources.corrupt,
            progress=Progress("ledger", resources.halt),
            schema=lambda: resources.mongo.writes_schema,
            per_command=per_command,
        ),
        settings.ledger,
        settings.rules(),
        [settings.topic_prefix + topic.name for topic in ORDERED],
        settings.topic_prefix,
    )


def build_hasher(resources: Resources, stack: AsyncExitStack) -> PasswordHasher:
    """Return who hashes passwords: one for all that need it, so that the threads stay bounded."""
    settings = resources.settings
    pool = LowPriorityPool("hashes", settings.password_hash_threads)
    stack.callback(pool.close)
    policy = HashingPolicy(
        scheme=settings.password_scheme, bcrypt_rounds=settings.password_bcrypt_rounds
    )
    return PasswordHasher(policy, pool)


def build_credentials(
    resources: Resources, hasher: PasswordHasher, stack: AsyncExitStack
) -> CredentialsReader:
    """Return the identity worker's part that hashes new passwords."""
    settings = resources.settings
    worker = CredentialsWorker(
        credentials=resources.credentials,
        reads=MongoReads(resources.mongo),
        hasher=hasher,
        ring=resources.ring,
        answers=Answering(*publishing(resources, stack)),
        progress=Progress("identity", resources.halt),
        metrics=resources.metrics,
        corrupt=resources.corrupt,
        clock=utc_now,
        prefix=settings.topic_prefix,
        group=settings.identity_group,
    )
    return CredentialsReader(worker=worker, options=settings.ledger)


def build_housekeeper(resources: Resources, stack: AsyncExitStack) -> Housekeeper:
    """Return the housekeeper."""
    settings = resources.settings
    publisher, _ = publishing(resources, stack)
    sweep = Sweep(
        resources.ledger,
        Republisher(publisher, TopicNames.under(settings.topic_prefix)),
        state_sweep_s=settings.state_sweep_s,
        metrics=resources.metrics,
        corrupt=resources.corrupt,
    )
    recount = RecountRounds(
        resources.ledger,
        MongoInspection(resources.mongo),
        metrics=resources.metrics,
        corrupt=resources.corrupt,
    )
    return Housekeeper(
        lease=resources.lease,
        credentials=resources.credentials,
        sweep=sweep,
        recount=recount,
        bookkeeping=Bookkeeping(
            MongoHouses(resources.mongo), metrics=resources.metrics, corrupt=resources.corrupt
        ),
        metrics=resources.metrics,
        corrupt=resources.corrupt,
    )


def publishing(resources: Resources, stack: AsyncExitStack) -> tuple[Publisher, Replies]:
    """Return what a worker publishes with, and what delivers answers to callers' topics."""
    settings, clients = resources.settings, resources.kafka
    connection = kafka_connection(settings)
    options = settings.ledger

    def publishes(deadline_ms: int) -> Publisher:
        return Publisher(
            connection,
            deadline_ms=deadline_ms,
            metrics=resources.metrics,
            halt=resources.halt,
            clients=clients,
        )

    publisher = publishes(options.publish_deadline_ms)
    replies = Replies(
        connection,
        publishes(options.reply_timeout_ms),
        allowed=settings.reply_to_pattern,
        timeout_ms=options.reply_timeout_ms,
        retry_s=options.reply_retry_s,
        clients=clients,
    )
    stack.push_async_callback(replies.stop)
    stack.push_async_callback(publisher.stop)
    return publisher, replies
