"""`accounts unlock`: an operator lets a user's unknown devices try again."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest

from devstack.choose import Chosen
from handlers.identity.subjects import of_user, of_user_from
from storage.mongo.client import MongoClient
from storage.mongo.throttles import MongoThrottles
from tests.e2e.command_line import CommandLine, a_command_line
from tests.e2e.test_cli_repair import read_all
from workers.bootstrap.stores import mongo_options
from workers.identity.options import DEVICE_RULE, GUESSES_A_DAY_MAX, USER_RULE
from workers.kafka.topic_plan import apply_topics

HOME = of_user_from("bobby", "198.51.100.7")


@pytest.fixture
def accounts(stack: Chosen, tmp_path: Path) -> CommandLine:
    """Return one on whose bobby strangers have guessed all day."""
    line = a_command_line(stack.addresses, f"unlock-{uuid4().hex}", tmp_path)
    asyncio.run(guess(line))
    return line


@asynccontextmanager
async def throttles_of(line: CommandLine) -> AsyncGenerator[MongoThrottles]:
    client = MongoClient(mongo_options(line.settings()))
    try:
        yield MongoThrottles(client)
    finally:
        await client.close()


async def guess(line: CommandLine) -> None:
    now = datetime.now(tz=UTC)
    await apply_topics(line.settings())
    async with throttles_of(line) as throttles:
        for _ in range(GUESSES_A_DAY_MAX):
            await throttles.count(of_user("bobby"), rule=USER_RULE, now=now)
        for subject in (HOME, of_user("carol")):
            await throttles.count(subject, rule=DEVICE_RULE, now=now)


async def failures(line: CommandLine) -> list[int]:
    """Return what another guess would make of what is counted of bobby, of bobby at home, of carol."""
    now = datetime.now(tz=UTC) + DEVICE_RULE.first  # by when nobody waits: a wait adds nothing
    async with throttles_of(line) as throttles:
        subjects = (of_user("bobby"), HOME, of_user("carol"))
        seen = await throttles.look(dict.fromkeys(subjects, DEVICE_RULE), now=now)
        return [seen[each].failures for each in subjects]


def test_forgets_what_is_counted_and_is_audited(accounts: CommandLine) -> None:
    ended = accounts.run("unlock", "bobby", "--yes", "--actor", "an operator", "--output", "json")

    assert (ended.returncode, ended.stderr) == (0, "")
    record = json.loads(ended.stdout)
    assert (record["unlocked"], record["failures"]) == (True, GUESSES_A_DAY_MAX)
    assert datetime.fromisoformat(record["refused_until"]) > datetime.now(tz=UTC)
    assert asyncio.run(failures(accounts)) == [1, 1, 2]
    [event] = asyncio.run(read_all(accounts, "events.audit"))
    assert (event["action"], event["username"]) == ("unlock", "bobby")
    assert (event["actor"], event["command_id"]) == ("an operator", record["unlock_id"])
    assert event["detail"] == "2 counts of failed sign-ins were forgotten"


def test_says_what_it_would_do_and_asks(accounts: CommandLine) -> None:
    dry = accounts.run("unlock", "bobby", "--dry-run")
    asked = accounts.run("unlock", "bobby")
    wrong = accounts.run("unlock", "Bobby", "--yes")

    said, nothing = dry.stdout.splitlines()
    assert said.startswith("bobby: 100 failed sign-ins on unknown devices, refused until ")
    assert (dry.returncode, nothing) == (0, "nothing was changed")
    assert asked.returncode == wrong.returncode == 2
    assert asked.stderr.startswith("accounts: nobody can be asked here: say --yes")
    assert wrong.stderr.startswith("accounts: username: ")
    assert asyncio.run(failures(accounts))[1:] == [2, 2]
    assert asyncio.run(read_all(accounts, "events.audit")) == []
