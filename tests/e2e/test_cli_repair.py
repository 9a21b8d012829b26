"""`accounts repair` mends what `accounts verify` finds, beside a running worker."""

import asyncio
import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from devstack.choose import Chosen
from tests.builders import a_chain, an_entry, an_outcome
from tests.e2e.by_hand import change, change_with_key
from tests.e2e.command_line import CommandLine, a_command_line
from tests.e2e.test_cli_verify import (
    ENTRIES,
    entries_of,
    filled,
    found,
    verified,
)


@pytest.fixture
def accounts(stack: Chosen, tmp_path: Path) -> CommandLine:
    """Return one with three sound accounts of three published entries each."""
    line = a_command_line(stack.addresses, f"repair-{uuid4().hex}", tmp_path)
    asyncio.run(filled(line))
    return line


def repaired(line: CommandLine, user: str, *arguments: str) -> dict[str, Any]:
    ended = line.run("repair", user, *arguments, "--yes", "--output", "json")
    assert (ended.returncode, ended.stderr) == (0, "")
    return json.loads(ended.stdout)


def updated(username: str, **fields: Any) -> dict[str, Any]:
    update = {"q": {"_id": username}, "u": {"$set": fields}}
    return {"update": "accounts", "updates": [update]}


async def read_all(line: CommandLine, name: str) -> list[Any]:
    """Return every record of a topic, as JSON, partition by partition."""
    topic = f"{line.settings().topic_prefix}{name}"
    consumer: Any = AIOKafkaConsumer(bootstrap_servers=line.settings().kafka_bootstrap)
    await consumer.start()
    try:
        parts = [TopicPartition(topic, part) for part in range(line.settings().partitions)]
        consumer.assign(parts)
        await consumer.seek_to_beginning()
        ends = await consumer.end_offsets(parts)
        values: list[Any] = []
        for part in parts:
            while await consumer.position(part) < ends[part]:
                found = await consumer.getmany(part, timeout_ms=500)
                values += [json.loads(one.value) for one in found.get(part, ())]
        return values
    finally:
        await consumer.stop()


class TestRepair:
    def test_takes_back_a_balance_that_was_raised(self, accounts: CommandLine) -> None:
        change_with_key(accounts, "bobby", **{"balances.0.posted_minor": 1_000_000})
        assert found(verified(accounts, "--user", "bobby")[1]) == {("bobby", "wrong_sum")}

        record = repaired(accounts, "bobby", "--actor", "an operator")

        assert record["repaired"] is True
        assert record["findings"][0] == "balances.USD: 10000.00 → 30.00"
        assert verified(accounts, "--topic")[0] == 0
        [event] = asyncio.run(read_all(accounts, "events.audit"))
        assert (event["action"], event["actor"]) == ("repair", "an operator")
        assert event["command_id"] == record["repair_id"]
        states = asyncio.run(read_all(accounts, "state.balances"))
        assert states[-1]["balances"]["USD"]["posted"] == "30.00"
        assert repaired(accounts, "bobby")["needed"] is False

    def test_says_what_it_would_do_and_asks(self, accounts: CommandLine) -> None:
        change_with_key(accounts, "bobby", sequence=7)

        dry = accounts.run("repair", "bobby", "--dry-run")
        asked = accounts.run("repair", "bobby")

        assert dry.returncode == 0
        assert dry.stdout.splitlines() == [
            "sequence: 7 → 3",
            "events 1 to 3 are published: may be missed",
            "nothing was changed",
        ]
        assert asked.returncode == 2
        assert asked.stderr.startswith("accounts: nobody can be asked here: say --yes")
        assert verified(accounts)[0] == 1

    @pytest.mark.parametrize(
        "fields",
        [
            {"balances.0.posted_minor": -100},
            {"version": "five"},
            {"sequence": -1},
            {"opened_at": "yesterday"},
            {"published_sequence": 99},
            {"profile.email": 5},
            {"balances": [{"currency": "USD"}]},
            {"balances.0.posted_minor": 1_000_000},
            {"mac": None},
        ],
        ids=str,
    )
    def test_rebuilds_what_cannot_be_read(
        self, accounts: CommandLine, fields: dict[str, Any]
    ) -> None:
        change(accounts, updated("bobby", **fields))
        assert found(verified(accounts)[1]) == {("bobby", "corrupt_document")}

        repaired(accounts, "bobby")

        assert verified(accounts, "--topic")[0] == 0

    def test_rebuilds_an_account_that_is_gone(self, accounts: CommandLine) -> None:
        change(accounts, {"delete": "accounts", "deletes": [{"q": {"_id": "bobby"}, "limit": 1}]})

        cannot = accounts.run("repair", "bobby", "--yes")
        repaired(accounts, "bobby", "--first-name", "Bobby", "--last-name", "Tables")

        assert cannot.returncode == 1
        assert "give --first-name, --last-name" in cannot.stderr
        assert verified(accounts, "--topic")[0] == 0

    def test_publishes_an_event_that_was_lost(self, accounts: CommandLine) -> None:
        """P5: a commit that MongoDB answered with an error lost its event; later ones came out."""
        later = (
            an_outcome(
                "alice",
                sequence=each,
                entry=an_entry(each, before_minor=1000 * (each - 1), after_minor=1000 * each),
            )
            for each in (ENTRIES + 1, ENTRIES + 2)
        )
        *_, fourth, fifth = a_chain(*entries_of("alice"), *later)
        asyncio.run(filled(accounts, extra=[fourth, fifth], publishing=[fifth]))
        assert found(verified(accounts, "--topic")[1]) == {("alice", "event_gap")}

        record = repaired(accounts, "alice", "--topic")

        assert "events 4 to 5 are published: 1 are not on the topic" in record["findings"]
        assert verified(accounts, "--topic")[0] == 0

    def test_gives_up_a_stray_claim_and_takes_the_own(self, accounts: CommandLine) -> None:
        swap = {"q": {"_id": "alice@example.com"}, "limit": 1}
        stray = {"_id": "other@example.com", "username": "alice"}
        change(accounts, {"delete": "emails", "deletes": [swap]})
        change(accounts, {"insert": "emails", "documents": [stray]})
        assert found(verified(accounts)[1]) == {
            ("alice", "email_unclaimed"),
            ("alice", "stray_claim"),
        }

        repaired(accounts, "alice")

        assert verified(accounts)[0] == 0

    def test_changes_nothing_where_the_entries_do_not_add_up(self, accounts: CommandLine) -> None:
        change(accounts, updated("alice", **{"balances.0.posted_minor": 5}))
        change(
            accounts,
            {
                "update": "outcomes",
                "updates": [
                    {"q": {"_id": "alice:command-2"}, "u": {"$set": {"entry.before_minor": 999}}}
                ],
            },
        )

        ended = accounts.run("repair", "alice", "--yes")

        assert ended.returncode == 1
        assert ended.stderr.splitlines()[-1] == "accounts: nothing was changed"
        assert found(verified(accounts, "--user", "alice")[1]) >= {("alice", "corrupt_document")}

    def test_deletes_what_names_an_account_that_never_was(self, accounts: CommandLine) -> None:
        stray = {"_id": "other@example.com", "username": "nobody"}
        change(accounts, {"insert": "emails", "documents": [stray]})
        assert found(verified(accounts)[1]) == {("nobody", "unknown_account")}

        repaired(accounts, "nobody")

        assert verified(accounts)[0] == 0
