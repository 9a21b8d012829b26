"""P1, P5: what was applied by a worker that died before it could publish, and who comes after."""

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from aiokafka import AIOKafkaConsumer

from contracts.topics import BALANCE_EVENTS, BALANCES, DEPOSIT, REGISTER, WITHDRAW
from devstack.stack import Stack
from tests.e2e.caller import Caller, a_movement, a_name, open_caller
from tests.e2e.entries import posted
from tests.e2e.running import RunningService, Worker
from tests.faults.promises import LATE_STATES_MAX_S, eventually, verify
from tests.faults.running_traffic import started, stopped
from tests.faults.stored import is_decided
from workers.kafka.connection import kafka_admin
from workers.keys.ring import CHECK_INTERVAL_S
from workers.ledger.group_protocol import LedgerAssignor

PARTITION = 0
"""Where all commands of these tests are put."""


@asynccontextmanager
async def squatter(service: RunningService, topic: str) -> AsyncGenerator[None]:
    """Join the ledger's group for *topic* alone, and keep partition 0 of it from being read."""
    consumer = cast(
        "Any",
        AIOKafkaConsumer(
            topic,
            bootstrap_servers=service.addresses.kafka,
            group_id=service.settings.ledger.group,
            # Members share a topic's partitions in the order of their ids, which begin like this.
            client_id="0-first",
            partition_assignment_strategy=(LedgerAssignor,),
            enable_auto_commit=False,
            session_timeout_ms=10_000,
        ),
    )
    await consumer.start()
    try:
        await eventually(
            lambda: PARTITION in {each.partition for each in consumer.assignment()},
            f"partition {PARTITION} of {topic} is taken",
            30,
        )
        yield
    finally:
        await consumer.stop()


async def apply_unpublished(
    caller: Caller, worker: Worker, stack: Stack, deposit: dict[str, Any]
) -> None:
    """Have *worker* apply *deposit* while Kafka stands still, so that it cannot publish it.

    MongoDB is stopped first, so that the worker has the record in its hands when Kafka stops.
    """
    stack.mongodb.pause()
    await caller.send(DEPOSIT, deposit, partition=PARTITION)
    await eventually(
        lambda: worker.health()["components"]["ledger worker"].get("waiting_for") == "mongodb",
        "the worker holds the deposit and waits for MongoDB",
        30,
    )
    stack.kafka.pause()
    stack.mongodb.resume()
    await eventually(lambda: is_decided(caller.service, deposit), "the deposit is applied", 30)


async def test_a_successor_that_reads_the_withdrawal_first_publishes_the_deposit_before_it(
    service: RunningService, breakable: Stack
) -> None:
    """P1, P5: the case that bites."""
    async with open_caller(service) as caller:
        [worker] = await started(service, 1)
        username = await caller.a_user()
        deposit, withdrawal = a_movement(username, "10.00"), a_movement(username, "4.00")
        await apply_unpublished(caller, worker, breakable, deposit)
        await asyncio.to_thread(worker.kill)
        breakable.kafka.resume()
        async with squatter(service, service.topic(DEPOSIT)):
            await caller.send(WITHDRAW, withdrawal, partition=PARTITION)

            await started(service, 1)
            taken = await caller.inbox.answer(withdrawal["command_id"])

            assert taken.body["entry"]["sequence"] == 2
            assert caller.inbox.answers(deposit["command_id"]) == []  # nobody has read it again
            events = await caller.inbox.some(BALANCE_EVENTS, username, 2)
            assert [event.body["command_id"] for event in events] == [
                deposit["command_id"],
                withdrawal["command_id"],
            ]
        answer = await caller.inbox.answer(deposit["command_id"])

        assert (answer.body["entry"]["sequence"], posted(answer.body["entry"])) == (1, "10.00")
        assert answer.body["duplicate"] is False
        await asyncio.to_thread(verify, service)


async def test_a_worker_that_was_paused_before_it_could_publish_comes_back_too_late(
    service: RunningService, breakable: Stack
) -> None:
    """P5, P7: it publishes after its successor, and nobody is misled for long."""
    async with open_caller(service) as caller:
        [zombie] = await started(service, 1)
        username = await caller.a_user()
        deposit, withdrawal = a_movement(username, "10.00"), a_movement(username, "4.00")
        await apply_unpublished(caller, zombie, breakable, deposit)
        zombie.pause()
        breakable.kafka.resume()
        successor = service.new_worker()
        await caller.inbox.answer(deposit["command_id"])
        await asyncio.to_thread(successor.wait_ready)
        await caller.send(WITHDRAW, withdrawal, partition=PARTITION)
        taken = await caller.inbox.answer(withdrawal["command_id"])
        await eventually(lambda: len(distinct_events(caller, username)) == 2, "both events", 30)
        told = distinct_events(caller, username)
        before = len(caller.inbox.states(username))

        zombie.resume()

        await asyncio.to_thread(zombie.wait_ready)
        states = await caller.inbox.some(BALANCES, username, before + 1)
        await eventually(
            lambda: caller.inbox.states(username)[-1].body["sequence"] == 2,
            f"the latest state is the last again: {[state.body for state in states]}",
            LATE_STATES_MAX_S,
        )
        assert (await caller.withdraw(username, "1.00")).body["entry"]["sequence"] == 3
        assert distinct_events(caller, username)[:2] == told
        assert {one.value for one in caller.inbox.answers(withdrawal["command_id"])} == {
            taken.value
        }
        await asyncio.to_thread(verify, service)


async def test_a_withdrawal_waits_while_another_member_has_the_deposits(
    service: RunningService,
) -> None:
    """P1: not refused because the deposit before it had not been read."""
    async with open_caller(service) as caller:
        await started(service, 1)
        username = await caller.a_user()
        deposit, withdrawal = a_movement(username, "10.00"), a_movement(username, "4.00")
        async with squatter(service, service.topic(DEPOSIT)):
            [worker] = [one for one in service.workers if one.pid is not None]
            await asyncio.to_thread(worker.wait_ready)
            await caller.send(DEPOSIT, deposit, partition=PARTITION)
            await caller.send(WITHDRAW, withdrawal, partition=PARTITION)

            await eventually(lambda: worker.metric("accounts_parked_records") == 1, "parked", 30)
            assert caller.inbox.answers(withdrawal["command_id"]) == []

        taken = await caller.inbox.answer(withdrawal["command_id"])
        assert (taken.body["entry"]["sequence"], posted(taken.body["entry"])) == (2, "6.00")


async def test_a_cycle_given_up_before_it_was_applied_leaves_no_event_untold(
    service: RunningService,
) -> None:
    """P5: a rebalance comes while the worker waits for the check of another user's password."""
    async with open_caller(service) as caller:
        [worker] = await started(service.but(worker_revoke_timeout_ms="300"), 1)
        username = await caller.a_user()
        registration, deposit = caller.registration(a_name()), a_movement(username, "10.00")
        stuck = service.settings.keys_dir / "sealing-stuck.json"
        os.mkfifo(stuck, 0o600)
        await asyncio.sleep(CHECK_INTERVAL_S)  # from then on the next password has it look again
        worker.pause()
        await asyncio.sleep(0.3)  # what it had asked Kafka for comes back empty
        await caller.send(REGISTER, registration)
        await caller.send(DEPOSIT, deposit)
        worker.resume()
        await eventually(lambda: is_stalled(worker), "it reads the key that never ends", 30)

        async with squatter(service, service.topic(WITHDRAW)):
            end_reading(stuck)
            answer = await caller.inbox.answer(deposit["command_id"])

            assert answer.body["status"] == "accepted"
            [event] = await caller.inbox.some(BALANCE_EVENTS, username)
            assert event.body["command_id"] == deposit["command_id"]
        await caller.inbox.answer(registration["command_id"])
        await asyncio.to_thread(verify, service)


@pytest.mark.parametrize("how", ["stopped", "killed"])
async def test_only_a_killed_worker_has_its_successor_say_everything_again(
    service: RunningService, how: str
) -> None:
    """P5: what nobody can be sure of is said again; a clean stop leaves nothing unsure."""
    no_sweep = ("ledger", "identity")  # the housekeeper says everything again now and then
    async with open_caller(service) as caller:
        first = service.new_worker(*no_sweep)
        await asyncio.to_thread(first.wait_ready)
        username = await caller.a_user("10.00")
        if how == "stopped":
            assert (await stopped(first))[0] == 0, first.log_end()
        else:
            # Or the deposit is read again, and its event goes out with the repeat as well.
            await until_committed(service, service.topic(DEPOSIT), 1)
            await asyncio.to_thread(first.kill)

        await asyncio.to_thread(service.new_worker(*no_sweep).wait_ready)
        await caller.withdraw(username, "4.00")

        await eventually(lambda: len(distinct_events(caller, username)) == 2, "both events", 30)
        told = [event.body["sequence"] for event in caller.inbox.balance_events(username)]
        assert told == ([1, 2] if how == "stopped" else [1, 1, 2])
        await asyncio.to_thread(verify, service)


async def until_committed(service: RunningService, topic: str, count: int) -> None:
    """Wait until the ledger's group has committed *count* records of *topic*."""
    group = service.settings.ledger.group
    async with kafka_admin(service.settings) as admin, asyncio.timeout(30):
        while True:
            offsets = await admin.list_consumer_group_offsets(group)
            done = sum(max(each.offset, 0) for tp, each in offsets.items() if tp.topic == topic)
            if done >= count:
                return
            await asyncio.sleep(0.05)


def distinct_events(caller: Caller, username: str) -> list[bytes]:
    """Return the user's balance events in order of first appearance."""
    return list(dict.fromkeys(event.value for event in caller.inbox.balance_events(username)))


def end_reading(pipe: Path) -> None:
    """Let whoever reads *pipe* come to its end, and remove it."""
    writing = os.open(pipe, os.O_WRONLY)
    pipe.unlink()
    os.close(writing)


def is_stalled(worker: Worker) -> bool:
    return worker.health()["components"]["ledger worker"].get("stalled_s", 0) > 0.2
