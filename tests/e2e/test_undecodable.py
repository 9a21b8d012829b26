"""A batch that nobody can decode, where the workers are to stop for it (P10)."""

import asyncio
import json
from dataclasses import dataclass

import pytest
import pytest_asyncio

from contracts.topics import DEPOSIT, GET_BALANCE, UPDATE_PROFILE
from tests.devstack.waiting import eventually
from tests.e2e.caller import Caller, a_movement, a_profile_change
from tests.e2e.command_line import CommandLine
from tests.e2e.raw_batches import a_batch_nobody_can_decode, produce
from tests.e2e.running import RunningService

pytestmark = pytest.mark.asyncio(loop_scope="module")
SETTINGS = {"undecodable_batches": "stop"}


@dataclass(frozen=True, slots=True)
class Stopped:
    """A partition with a batch that nobody can decode, and a command behind it."""

    topic: str
    offset: int
    behind: str
    letters: int


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stopped(service: RunningService, caller: Caller) -> Stopped:
    username = await caller.a_user("5.00")
    letters = len(caller.inbox.dead_letters())
    before = a_profile_change(username, first_name="Renamed")
    place = await caller.send(UPDATE_PROFILE, before, partition=0)
    await produce(service, UPDATE_PROFILE, 0, a_batch_nobody_can_decode(b"garbage"))
    behind = a_profile_change(username, first_name="Later")
    await caller.send(UPDATE_PROFILE, behind, partition=0)
    assert (await caller.inbox.answer(before["command_id"])).body["status"] == "accepted"
    return Stopped(place.topic, place.offset + 1, behind["command_id"], letters)


async def test_it_stops_its_partition_and_no_other(
    service: RunningService, caller: Caller, stopped: Stopped
) -> None:
    said = f"{stopped.topic}-0 cannot be decoded from offset {stopped.offset} on and is paused"
    worker = service.workers[-1]

    await eventually(lambda: said in service.logs())
    await caller.accepted(DEPOSIT, a_movement(await caller.a_user(), "1.00"), partition=0)
    await eventually(lambda: worker.metric("accounts_undecodable_partitions") == 1)

    assert caller.inbox.answers(stopped.behind) == []
    assert len(caller.inbox.dead_letters()) == stopped.letters


async def test_it_goes_on_once_somebody_skips_it(
    service: RunningService, caller: Caller, stopped: Stopped
) -> None:
    program = CommandLine(service.folder, service.environ)
    skip = ("--output", "json", "offsets", "skip", "commands.update-profile", "0")

    busy = await asyncio.to_thread(program.run, *skip, "--yes")
    for worker in service.workers:
        await asyncio.to_thread(worker.stop)
    dry = await asyncio.to_thread(program.run, *skip, "--dry-run")
    done = await asyncio.to_thread(program.run, *skip, "--yes")
    again = await asyncio.to_thread(program.run, *skip, "--yes")
    await asyncio.to_thread(service.start_worker)

    assert (busy.returncode, "stop the workers" in busy.stderr) == (2, True), busy
    assert (dry.returncode, json.loads(dry.stdout)["skipped"]) == (0, False), dry
    told = json.loads(done.stdout)
    assert (told["first"], told["last"], told["skipped"]) == (stopped.offset, stopped.offset, True)
    assert (again.returncode, "nothing to skip" in again.stderr) == (2, True), again
    assert (await caller.inbox.answer(stopped.behind)).body["status"] == "accepted"
    letter = (
        await caller.inbox.until(lambda: caller.inbox.dead_letters()[stopped.letters :], "it")
    )[0]
    assert letter.dlq["dlq_first_offset"] == str(stopped.offset)
    assert letter.dlq["dlq_topic"] == stopped.topic


async def test_a_topic_that_is_not_read_has_nothing_to_skip(
    service: RunningService,
) -> None:
    program = CommandLine(service.folder, service.environ)

    results = await asyncio.to_thread(program.run, "offsets", "skip", "results", "0", "--yes")
    asked = await asyncio.to_thread(program.run, "offsets", "skip", GET_BALANCE.name, "0", "--yes")

    assert (results.returncode, "none of the topics" in results.stderr) == (2, True)
    assert (asked.returncode, "nothing to skip" in asked.stderr) == (2, True)
