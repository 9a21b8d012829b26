"""Bad surroundings: one clear line that says what to do, exit code 2, nothing consumed."""

import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import pytest
from aiokafka.admin import NewTopic

from contracts.topics import BALANCES, DEPOSIT, RESULTS, TOPICS, WITHDRAW, TopicSpec
from devstack import mongodb, wheels
from devstack.choose import Chosen
from devstack.ports import HOST, reserve
from devstack.processes import Processes
from devstack.server import Server
from tests.e2e.command_line import CommandLine, a_command_line
from workers.kafka.connection import kafka_admin
from workers.kafka.topics import create_topics
from workers.keys.pairs import KeyKind
from workers.keys.ring import new_key
from workers.keys.rotation import make_missing

pytestmark = [pytest.mark.kafka, pytest.mark.mongo, pytest.mark.redis]

STARTING = (["config", "check"], ["worker"])
every_way_to_start = pytest.mark.parametrize("command", STARTING, ids=" ".join)


@pytest.fixture
def accounts(stack: Chosen, tmp_path: Path) -> CommandLine:
    make_missing(tmp_path / "keys", datetime.now(tz=UTC))
    return a_command_line(stack.addresses, f"checks-{uuid4().hex}", tmp_path)


@pytest.fixture
def standalone_mongodb(tmp_path: Path) -> Iterator[str]:
    """Start a MongoDB that is no replica set."""
    port = reserve({"mongodb": None})["mongodb"]
    folder = tmp_path / "mongodb"
    folder.mkdir()
    plan = mongodb.plan(folder, port, wheels.mongod(), wheels.openssl_libraries())
    alone = [word for word in plan.argv if word not in {"--replSet", mongodb.REPLICA_SET}]
    processes = Processes(remove=None)
    try:
        Server(replace(plan, argv=alone, is_ready=lambda: listens(port)), processes)
        yield f"mongodb://{HOST}:{port}/"
    finally:
        processes.close()


def listens(port: int) -> bool:
    with socket.socket() as attempt:
        return attempt.connect_ex((HOST, port)) == 0


async def create(
    accounts: CommandLine, *, missing: TopicSpec | None = None, odd: NewTopic | None = None
) -> None:
    """Create all topics as they should be, but without *missing* and with *odd* as it is."""
    prefix = accounts.settings().topic_prefix
    topics = {
        prefix + spec.name: NewTopic(prefix + spec.name, 3, 1, topic_configs=spec.config())
        for spec in TOPICS
        if spec is not missing
    }
    if odd is not None:
        topics[cast("Any", odd).name] = odd
    async with kafka_admin(accounts.settings()) as admin:
        await create_topics(admin, topics.values())


def odd_topic(
    accounts: CommandLine, spec: TopicSpec, setting: str, value: str, partitions: int = 3
) -> NewTopic:
    name = accounts.settings().topic_prefix + spec.name
    return NewTopic(name, partitions, 1, topic_configs=spec.config() | {setting: value})


async def consumed(accounts: CommandLine) -> set[str]:
    """Return the consumer groups that exist of those the worker would use."""
    settings = accounts.settings()
    async with kafka_admin(settings) as admin:
        listed = await admin.list_consumer_groups()
    return {name for name, *_ in listed} & {settings.ledger.group, settings.identity_group}


async def refused(accounts: CommandLine, command: list[str], **settings: str) -> str:
    """Return the one line that *command* ends with; it must have consumed nothing."""
    ended = accounts.but(**settings).run(*command)
    assert ended.returncode == 2, ended
    [line] = ended.stderr.splitlines()
    assert await consumed(accounts) == set()
    return line


async def test_nothing_is_found_where_all_is_as_it_should_be(accounts: CommandLine) -> None:
    await create(accounts)

    ended = accounts.run("config", "check")

    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout == "Everything a worker needs is there.\n"


@every_way_to_start
async def test_a_missing_topic(accounts: CommandLine, command: list[str]) -> None:
    await create(accounts, missing=DEPOSIT)

    line = await refused(accounts, command)

    assert f"topics missing: {accounts.settings().topic_prefix}commands.deposit; " in line
    assert "`accounts topics apply`" in line


@every_way_to_start
async def test_unequal_partition_counts(accounts: CommandLine, command: list[str]) -> None:
    await create(accounts, odd=odd_topic(accounts, WITHDRAW, "retention.ms", "1", 6))

    line = await refused(accounts, command)

    assert "unequal partition counts" in line
    assert "set ACCOUNTS_PARTITIONS=6 and run `accounts topics apply --add-partitions`" in line


@every_way_to_start
async def test_a_wrong_timestamp_type(accounts: CommandLine, command: list[str]) -> None:
    await create(accounts, odd=odd_topic(accounts, DEPOSIT, "message.timestamp.type", "CreateTime"))

    line = await refused(accounts, command)

    assert "message.timestamp.type=CreateTime, must be LogAppendTime" in line
    assert "`accounts topics apply --alter`" in line


@every_way_to_start
async def test_no_replica_set(
    accounts: CommandLine, standalone_mongodb: str, command: list[str]
) -> None:
    await create(accounts)

    line = await refused(accounts, command, mongodb_uri=standalone_mongodb)

    assert "MongoDB is not a replica set" in line


@every_way_to_start
async def test_no_keys(accounts: CommandLine, command: list[str]) -> None:
    await create(accounts)

    line = await refused(accounts, command, keys_dir=str(accounts.cwd / "none"))

    assert "no sealing key and no signing key in" in line
    assert "`accounts keys new`" in line


@every_way_to_start
async def test_no_key_to_sign_with(accounts: CommandLine, command: list[str]) -> None:
    await create(accounts)
    new_key(accounts.cwd / "sealing only", datetime.now(tz=UTC), KeyKind.SEALING)

    line = await refused(accounts, command, keys_dir=str(accounts.cwd / "sealing only"))

    assert "no signing key in" in line
    assert "`accounts keys new`" in line


@every_way_to_start
async def test_a_wrong_setting(accounts: CommandLine, command: list[str]) -> None:
    line = await refused(accounts, command, ledger_lane="2")

    assert "did you mean ACCOUNTS_LEDGER_LANES?" in line


@pytest.mark.parametrize(
    ("spec", "setting", "value", "said"),
    [
        (RESULTS, "max.message.bytes", "1048576", "must be 1114112 or more"),
        (BALANCES, "min.compaction.lag.ms", "0", "must be 86400000"),
        (BALANCES, "cleanup.policy", "delete", "must be compact"),
        (WITHDRAW, "cleanup.policy", "compact", "compaction loses records"),
    ],
)
async def test_a_wrong_topic_setting(
    accounts: CommandLine, spec: TopicSpec, setting: str, value: str, said: str
) -> None:
    await create(accounts, odd=odd_topic(accounts, spec, setting, value))

    assert said in await refused(accounts, ["config", "check"])


async def test_kafka_away(accounts: CommandLine) -> None:
    ended = accounts.but(kafka_bootstrap="127.0.0.1:1").run("config", "check")

    assert ended.returncode == 2
    [line] = ended.stderr.splitlines()
    assert "Kafka at 127.0.0.1:1 does not answer" in line
    assert "ACCOUNTS_KAFKA_BOOTSTRAP" in line


async def test_redis_away_is_only_a_warning(accounts: CommandLine) -> None:
    await create(accounts)

    ended = accounts.but(redis_url="redis://127.0.0.1:1").run("config", "check")

    assert ended.returncode == 0
    [line] = ended.stderr.splitlines()
    assert line.startswith("warning: Redis")


async def test_weak_hashes_are_a_warning(accounts: CommandLine) -> None:
    await create(accounts)

    ended = accounts.but(password_bcrypt_rounds="4").run("config", "check")

    assert ended.returncode == 0
    assert "ACCOUNTS_PASSWORD_BCRYPT_ROUNDS=4 is for tests only" in ended.stderr
