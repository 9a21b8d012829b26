"""`accounts topics` on a real Kafka."""

import asyncio
import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from aiokafka.admin import NewTopic

from contracts.topics import RESULTS, TOPICS, WITHDRAW
from devstack.choose import Chosen
from tests.e2e.command_line import CommandLine, a_command_line
from workers.kafka.connection import kafka_admin
from workers.kafka.topic_plan import apply_topics
from workers.kafka.topics import TopicState, create_topics, read_topics

pytestmark = pytest.mark.kafka


@pytest.fixture
def accounts(stack: Chosen, tmp_path: Path) -> CommandLine:
    return a_command_line(stack.addresses, f"topics-{uuid4().hex}", tmp_path)


def table(accounts: CommandLine, *arguments: str) -> list[dict[str, Any]]:
    ended = accounts.run("topics", *arguments, "--output", "json")
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


async def topics_of(accounts: CommandLine) -> dict[str, TopicState]:
    settings = accounts.settings()
    async with kafka_admin(settings) as admin:
        return await read_topics(admin, [settings.topic_prefix + spec.name for spec in TOPICS])


async def test_apply_creates_every_topic_as_the_contract_says(accounts: CommandLine) -> None:
    rows = table(accounts, "apply")

    states = await topics_of(accounts)
    prefix = accounts.settings().topic_prefix
    assert [row["result"] for row in rows] == ["created"] * len(TOPICS)
    for spec in TOPICS:
        assert states[prefix + spec.name].partitions == 3
        assert states[prefix + spec.name].overrides == spec.config()


def test_apply_again_changes_nothing(accounts: CommandLine) -> None:
    table(accounts, "apply")

    assert table(accounts, "apply") == []
    as_it_is = f"All {len(TOPICS)} topics are as they should be.\n"
    assert accounts.run("topics", "apply").stdout == as_it_is


async def test_a_dry_run_only_says_what_it_would_do(accounts: CommandLine) -> None:
    rows = table(accounts, "apply", "--dry-run")

    assert [row["result"] for row in rows] == ["would be created"] * len(TOPICS)
    assert await topics_of(accounts) == {}


async def test_partitions_are_added_only_when_told(accounts: CommandLine) -> None:
    table(accounts, "apply")
    more = accounts.but(partitions="4")

    left = table(more, "apply")
    before = await topics_of(accounts)
    added = table(more, "apply", "--add-partitions")

    assert {row["result"] for row in left} == {"left: say --add-partitions"}
    assert {state.partitions for state in before.values()} == {3}
    assert {row["result"] for row in added} == {"added"}
    assert {state.partitions for state in (await topics_of(accounts)).values()} == {4}


async def test_settings_are_changed_only_when_told_and_others_stay(accounts: CommandLine) -> None:
    settings = accounts.settings()
    name = settings.topic_prefix + WITHDRAW.name
    own = WITHDRAW.config() | {"message.timestamp.type": "CreateTime", "segment.ms": "3600000"}
    async with kafka_admin(settings) as admin:
        await create_topics(admin, [NewTopic(name, 3, 1, topic_configs=own)])

    [left] = [row for row in table(accounts, "apply") if row["topic"] == name]
    before = (await topics_of(accounts))[name].overrides
    [changed] = table(accounts, "apply", "--alter")

    assert left["result"] == "left: say --alter"
    assert before == own
    assert (changed["topic"], changed["setting"]) == (name, "message.timestamp.type")
    after = (await topics_of(accounts))[name].overrides
    assert after == WITHDRAW.config() | {"segment.ms": "3600000"}


async def test_show_tells_what_is_there_and_what_is_missing(accounts: CommandLine) -> None:
    settings = accounts.settings()
    async with kafka_admin(settings) as admin:
        results = NewTopic(settings.topic_prefix + RESULTS.name, 2, 1)
        await create_topics(admin, [results])

    rows = {row["topic"]: row["partitions"] for row in table(accounts, "show")}

    assert rows.pop(settings.topic_prefix + RESULTS.name) == "2"
    assert set(rows.values()) == {"missing"}


async def test_two_may_apply_at_once(accounts: CommandLine) -> None:
    settings = accounts.settings()

    await asyncio.gather(*(apply_topics(settings) for _ in range(3)))

    assert len(await topics_of(accounts)) == len(TOPICS)


def test_what_kafka_refuses_is_one_line(accounts: CommandLine) -> None:
    ended = accounts.but(replication_factor="9").run("topics", "apply")

    assert ended.returncode == 2
    [line] = ended.stderr.splitlines()
    assert "Kafka did not create" in line
