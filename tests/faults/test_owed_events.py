"""P1, P5: what was applied by a worker that died before it could publish, and who comes after."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, cast

from aiokafka import AIOKafkaConsumer
from aiokafka.coordinator.assignors.range import RangePartitionAssignor

from contracts.topics import BALANCE_EVENTS, DEPOSIT, WITHDRAW
from devstack.stack import Stack
from tests.e2e.caller import Caller, a_movement, open_caller
from tests.e2e.running import RunningService, Worker
from tests.faults.promises import eventually, verify
from tests.faults.scene import started
from tests.faults.stored import is_decided

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
            group_id=service.settings.ledger_group,
            # Members share a topic's partitions in the order of their ids, which begin like this.
            client_id="0-first",
            partition_assignment_strategy=(RangePartitionAssignor,),
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

        assert answer.body["entry"] | {"sequence": 1, "after": "10.00"} == answer.body["entry"]
        assert answer.body["duplicate"] is False
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
        assert taken.body["entry"] | {"sequence": 2, "after": "6.00"} == taken.body["entry"]
