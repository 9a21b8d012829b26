"""The way back that docs/operations.md describes, on a running service: nothing is lost (P4)."""

import asyncio
import json
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import RecordsToDelete

from contracts.topics import DEPOSIT, REGISTER
from tests.e2e.caller import Caller, a_movement, a_name
from tests.e2e.cli_process import Program
from tests.e2e.entries import posted
from tests.e2e.running import RunningService
from workers.kafka.connection import kafka_admin

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def program(service: RunningService) -> Program:
    return Program(service.folder, service.environ)


async def ran(program: Program, *arguments: str, code: int = 0) -> Any:
    """Return what a command says in JSON."""
    ended = await asyncio.to_thread(program.run, *arguments, "--output", "json")
    assert ended.returncode == code, ended.stderr
    return json.loads(ended.stdout)


async def test_an_account_is_repaired_and_its_command_sent_again(
    service: RunningService, caller: Caller, program: Program
) -> None:
    """P4: while it cannot be read its commands become dead letters; afterwards they are decided."""
    username = await caller.a_user("5.00")
    with service.mongodb() as database:
        spoilt = {"$set": {"balances.0.posted_minor": -100}}
        database.accounts.update_one({"_id": username}, spoilt)
    body = a_movement(username, "1.00", "USD")
    assert await caller.refused(DEPOSIT, body) == "account_unreadable"

    repaired = await ran(program, "repair", username, "--yes", "--actor", "an operator")
    letters = await ran(program, "dead-letters", "list", "--user", username)
    dry = await ran(program, "dead-letters", "replay", letters[0]["place"], "--dry-run")
    sent = await ran(program, "dead-letters", "replay", letters[0]["place"], "--yes")
    answer = await caller.inbox.answer(body["command_id"], 2)

    assert repaired["findings"][0] == "balances: unreadable → 5.00 USD"
    assert letters[0]["code"] == "account_unreadable"
    assert (dry["found"], dry["sent"]) == (1, 0)
    assert sent == {"found": 1, "sent": 1, "refused": 0}
    assert (answer.body["status"], posted(answer.body["entry"])) == ("accepted", "6.00")
    assert (await ran(program, "verify", "--user", username, "--topic", "--live"))["verified"]


async def test_a_letter_without_its_value_is_sent_as_long_as_the_original_is_kept(
    service: RunningService, caller: Caller, program: Program
) -> None:
    """P9: a registration's value never stands in a dead letter."""
    username = a_name()
    body = caller.registration(username) | {"unknown": "field"}
    assert await caller.refused(REGISTER, body) == "invalid_command"
    [letter] = await ran(program, "dead-letters", "list", "--user", username)

    await ran(program, "dead-letters", "replay", letter["place"], "--yes")
    await caller.inbox.answer(body["command_id"], 2)
    topic, partition, offset = letter["from"].split(":")
    async with kafka_admin(service.settings) as admin:
        part = TopicPartition(topic, int(partition))
        await admin.delete_records({part: RecordsToDelete(before_offset=int(offset) + 1)})
    gone = await ran(program, "dead-letters", "replay", letter["place"], "--yes", code=1)

    assert gone == {"found": 1, "sent": 0, "refused": 1}


async def test_offsets_are_moved_only_while_nobody_reads(
    service: RunningService, caller: Caller, program: Program
) -> None:
    """P2, P3: what was decided is answered again, and moves nothing."""
    username = await caller.a_user("5.00")
    group = service.settings.ledger.group
    body = a_movement(username, "2.00", "USD")
    placed = await caller.send(DEPOSIT, body)
    await caller.inbox.answer(body["command_id"])
    place = (group, "commands.deposit", str(placed.partition))

    busy = await asyncio.to_thread(program.run, "offsets", "set", *place, "beginning", "--yes")
    for worker in service.workers:
        await asyncio.to_thread(worker.stop)
    shown = await ran(program, "offsets", "show", group)
    far = await asyncio.to_thread(program.run, "offsets", "set", *place, "999999", "--yes")
    dry = await ran(program, "offsets", "set", *place, str(placed.offset), "--dry-run")
    moved = await ran(program, "offsets", "set", *place, str(placed.offset), "--yes")
    await asyncio.to_thread(service.start_worker)
    again = await caller.inbox.answer(body["command_id"], 2)

    assert (busy.returncode, "stop the workers" in busy.stderr) == (2, True)
    assert far.returncode == 2
    assert "is outside of what is kept" in far.stderr
    there = (placed.topic, str(placed.partition))
    [row] = [one for one in shown if (one["topic"], one["partition"]) == there]
    assert row["to read"] == "0"
    assert (dry["moved"], moved["moved"], moved["offset"]) == (False, True, placed.offset)
    assert posted(again.body["entry"]) == "7.00"
    assert (await ran(program, "verify", "--topic", "--live"))["verified"]
