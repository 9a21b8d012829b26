"""`accounts verify` finds what was changed behind the service's back."""

import asyncio
import json
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaProducer

from devstack.choose import Chosen
from handlers.model.changes import Changes
from handlers.model.outcome import Outcome
from handlers.wire.rendering import Rendering
from storage.mongo.client import MongoClient
from storage.mongo.ledger import MongoLedger
from tests.builders import NOON, a_chain, a_claim, an_account, an_entry, an_outcome, some_changes
from tests.e2e.by_hand import change, change_with_key, damaged
from tests.e2e.command_line import CommandLine, a_command_line
from tests.macs import keys_in
from workers.bootstrap.stores import mongo_options
from workers.kafka.topic_plan import apply_topics

USERS = ["alice", "bobby", "carol"]
ENTRIES = 3


@pytest.fixture
def accounts(stack: Chosen, tmp_path: Path) -> CommandLine:
    """Return one with three sound accounts of three published entries each."""
    line = a_command_line(stack.addresses, f"verify-{uuid4().hex}", tmp_path)
    asyncio.run(filled(line))
    return line


def entries_of(username: str) -> list[Outcome]:
    return a_chain(
        *(
            an_outcome(
                username,
                sequence=number,
                entry=an_entry(number, before_minor=1000 * (number - 1), after_minor=1000 * number),
            )
            for number in range(1, ENTRIES + 1)
        )
    )


async def filled(
    line: CommandLine,
    *,
    extra: Sequence[Outcome] | None = None,
    publishing: Sequence[Outcome] | None = None,
) -> None:
    """Store and publish three sound accounts, or let the first of them go on with *extra*."""
    settings = line.settings()
    await apply_topics(settings)
    client = MongoClient(mongo_options(settings, keys_in(settings.keys_dir)))
    ledger = MongoLedger(client)
    await ledger.prepare()
    if extra is None:
        await _write(ledger, _changes())
        publishing = [outcome for username in USERS for outcome in entries_of(username)]
    else:
        sequence = ENTRIES + len(extra)
        account = an_account(
            USERS[0],
            posted_minor=1000 * sequence,
            sequence=sequence,
            published_sequence=sequence,
            version=2,
        )
        await _write(ledger, some_changes(accounts=[account], outcomes=extra))
    await client.close()
    await publish(line, *publishing or ())


async def _write(ledger: MongoLedger, changes: Changes) -> None:
    async with ledger.transaction() as transaction:
        await transaction.apply(changes)
        await transaction.commit()


def _changes() -> Changes:
    accounts = [an_account(name, posted_minor=1000 * ENTRIES, sequence=ENTRIES) for name in USERS]
    entries = [outcome for username in USERS for outcome in entries_of(username)]
    return some_changes(
        accounts=accounts,
        outcomes=[*entries, *(an_outcome(name, "registration") for name in USERS)],
        claimed=[a_claim(f"{name}@example.com", name) for name in USERS],
        registered=accounts,
    )


async def publish(line: CommandLine, *outcomes: Outcome) -> None:
    producer: Any = AIOKafkaProducer(bootstrap_servers=line.settings().kafka_bootstrap)
    await producer.start()
    topic = f"{line.settings().topic_prefix}events.balance"
    for outcome in outcomes:
        value = Rendering(outcome).balance_event().value
        await producer.send_and_wait(topic, value, outcome.username.encode())
    await producer.stop()


def verified(line: CommandLine, *arguments: str) -> tuple[int, dict[str, Any]]:
    ended = line.run("verify", *arguments, "--output", "json")
    assert ended.stderr == ""
    return ended.returncode, json.loads(ended.stdout)


def found(record: dict[str, Any]) -> set[tuple[str, str]]:
    return {(one["username"], one["violation"]) for one in record["findings"]}


class TestVerify:
    def test_finds_nothing_where_everything_adds_up(self, accounts: CommandLine) -> None:
        code, record = verified(accounts, "--topic")

        assert code == 0
        assert record["verified"] is True
        assert (record["accounts"], record["entries"], record["events"]) == (3, 9, 9)

    def test_says_it_in_one_line(self, accounts: CommandLine) -> None:
        ended = accounts.run("verify")

        assert ended.returncode == 0
        assert ended.stdout.startswith("✓ everything adds up: 3 accounts, 9 entries, in ")

    def test_finds_a_balance_that_was_changed(self, accounts: CommandLine) -> None:
        change_with_key(accounts, "bobby", **{"balances.0.posted_minor": 1})

        code, record = verified(accounts)

        assert code == 1
        assert found(record) == {("bobby", "wrong_sum")}

    def test_finds_an_account_that_was_changed_by_hand(self, accounts: CommandLine) -> None:
        """Whatever it says now: who changed it had no key."""
        changed = {"q": {"_id": "bobby"}, "u": {"$set": {"writer": "somebody"}}}
        change(accounts, {"update": "accounts", "updates": [changed]})

        code, record = verified(accounts)

        assert code == 1
        assert [one["detail"] for one in record["findings"]] == [
            "accounts bobby: mac is missing or wrong"
        ]

    def test_finds_an_entry_that_was_changed(self, accounts: CommandLine) -> None:
        """P18: by the entry after it, although all sums are right."""
        changed = {"q": {"_id": "bobby:command-2"}, "u": {"$set": {"reason": "forged"}}}
        change(accounts, {"update": "outcomes", "updates": [changed]})

        code, record = verified(accounts)

        assert code == 1
        assert found(record) == {("bobby", "wrong_hash")}

    def test_finds_an_entry_that_is_gone(self, accounts: CommandLine) -> None:
        gone = {"q": {"username": "alice", "sequence": 2}, "limit": 1}
        change(accounts, {"delete": "outcomes", "deletes": [gone]})

        code, record = verified(accounts)

        assert code == 1
        assert ("alice", "sequence_gap") in found(record)

    def test_finds_an_account_that_is_gone(self, accounts: CommandLine) -> None:
        change(accounts, {"delete": "accounts", "deletes": [{"q": {"_id": "carol"}, "limit": 1}]})

        code, record = verified(accounts, "--topic")

        assert code == 1
        assert found(record) == {("carol", "unknown_account")}
        said = [one["detail"] for one in record["findings"]]
        assert "an e-mail address is claimed, but no account" in said
        assert "there is an outcome (carol:registration), but no account" in said

    def test_finds_an_address_that_nobody_claims(self, accounts: CommandLine) -> None:
        gone = {"q": {"_id": "alice@example.com"}, "limit": 1}
        change(accounts, {"delete": "emails", "deletes": [gone]})

        code, record = verified(accounts)

        assert code == 1
        assert found(record) == {("alice", "email_unclaimed")}

    def test_reports_what_is_corrupt_with_its_id_and_field_and_goes_on(
        self, accounts: CommandLine
    ) -> None:
        change(
            accounts,
            damaged("accounts", "alice", "balances.0.posted_minor"),
            damaged("outcomes", "bobby:command-2", "entry.scale"),
            damaged("outcomes", "carol:registration", "fingerprint"),
            damaged("registrations", "carol", "opened_at"),
            {"insert": "houses", "documents": [{"_id": "w:0:external:USD:2"}]},
        )

        code, record = verified(accounts, "--topic")

        assert code == 1
        assert sorted(one["detail"] for one in record["findings"]) == [
            "accounts alice: balances.0.posted_minor is missing or wrong",
            "houses w:0:external:USD:2: writer is missing or wrong",
            "outcomes bobby:command-2: entry.scale is missing or wrong",
            "outcomes carol:registration: fingerprint is missing or wrong",
            "registrations carol: opened_at is missing or wrong",
        ]
        assert (record["accounts"], record["entries"]) == (3, 9)

    def test_looks_at_one_account_alone(self, accounts: CommandLine) -> None:
        for name in ("alice", "bobby"):
            change(accounts, damaged("accounts", name, "sequence"))

        code, record = verified(accounts, "--user", "bobby", "--topic")

        assert code == 1
        assert found(record) == {("bobby", "corrupt_document")}
        assert record["accounts"] == 1
        assert verified(accounts, "--user", "carol", "--topic")[0] == 0

    def test_finds_what_names_one_account_that_is_gone(self, accounts: CommandLine) -> None:
        change(accounts, {"delete": "accounts", "deletes": [{"q": {"_id": "carol"}, "limit": 1}]})

        _, record = verified(accounts, "--user", "carol")

        assert found(record) == {("carol", "unknown_account")}

    def test_looks_at_what_was_changed_since(self, accounts: CommandLine) -> None:
        """The accounts were all changed at noon; only alice's document says later."""
        change_with_key(accounts, "alice", changed_at=NOON + timedelta(days=1))
        for name in ("alice", "bobby"):
            change_with_key(accounts, name, **{"balances.0.held_minor": 1})

        _, record = verified(accounts, "--since", "2030-01-02T00:00:00Z")
        code, nothing = verified(accounts, "--since", "2030-01-03T00:00:00Z")

        assert found(record) == {("alice", "held_without_hold")}
        assert (code, nothing["accounts"]) == (0, 0)

    def test_counts_what_is_not_known_to_be_published(self, accounts: CommandLine) -> None:
        _, before = verified(accounts)
        gone = {"_id": "a-writer", "expires_at": NOON}
        change(accounts, {"insert": "writers", "documents": [gone]})
        _, after = verified(accounts)

        assert before["owing"] == {"accounts": 3, "events": 9}
        assert after["owing"] == {"accounts": 0, "events": 0}

    def test_finds_who_can_never_sign_in(self, accounts: CommandLine) -> None:
        gone = {"q": {"_id": "bobby"}, "limit": 1}
        change(accounts, {"delete": "registrations", "deletes": [gone]})

        assert found(verified(accounts)[1]) == {("bobby", "no_credential")}

    def test_takes_one_account_or_those_of_a_time(self, accounts: CommandLine) -> None:
        both = accounts.run("verify", "--user", "bobby", "--since", "2h")

        assert both.returncode == 2
        assert both.stderr == "accounts: say --user or --since, not both\n"

    def test_finds_an_event_that_was_repeated_with_other_bytes(self, accounts: CommandLine) -> None:
        other = an_outcome("alice", sequence=1, reason="another")
        asyncio.run(publish(accounts, other))

        assert verified(accounts)[0] == 0
        code, record = verified(accounts, "--topic", "--live")

        assert code == 1
        assert found(record) == {("alice", "event_changed")}

    def test_finds_an_event_that_is_not_recorded(self, accounts: CommandLine) -> None:
        asyncio.run(publish(accounts, an_outcome("alice", sequence=ENTRIES + 1)))

        code, record = verified(accounts, "--topic")

        assert code == 1
        assert found(record) == {("alice", "event_unrecorded")}

    def test_reports_each_finding_in_a_line(self, accounts: CommandLine) -> None:
        change(accounts, {"delete": "emails", "deletes": [{"q": {}, "limit": 0}]})

        ended = accounts.run("verify")

        *findings, summary = ended.stdout.splitlines()
        assert ended.returncode == 1
        assert [line.split()[1:3] for line in findings] == [
            [name, "email_unclaimed"] for name in USERS
        ]
        assert summary.startswith("✗ 3 findings in 3 accounts, 9 entries, in ")
