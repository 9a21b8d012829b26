"""Clients that send no headers, no key, or place records their own way are served all the same."""

import asyncio
import random
import zlib
from collections.abc import Sequence
from typing import Any

import orjson
import pytest

from contracts.topics import DEPOSIT, REGISTER, WITHDRAW
from tests.e2e.caller import Caller, a_movement, a_name, open_producer
from tests.e2e.entries import posted
from tests.e2e.running import PARTITIONS
from tests.e2e.trail import assert_in_order, assert_states_are_the_latest

pytestmark = pytest.mark.asyncio(loop_scope="module")

USERS = 20
ROUNDS = 10


def crc32(key: bytes, everywhere: Sequence[int], available: Sequence[int]) -> int:
    """Place a record as librdkafka does by default."""
    del available
    return everywhere[zlib.crc32(key) % len(everywhere)]


async def test_a_console_producer_with_no_headers_and_no_key(caller: Caller) -> None:
    username = a_name()
    registration, deposit = caller.registration(username), a_movement(username, "5.00")

    await caller.accepted(REGISTER, registration, key=None, partition=0)
    answer = await caller.accepted(DEPOSIT, deposit, key=None, partition=1)
    taken = await caller.accepted(WITHDRAW, a_movement(username, "5.00"), key=None, partition=2)

    assert answer.key == username.encode(), "what we publish is keyed all the same"
    assert answer.headers["correlation_id"] == deposit["command_id"]
    assert posted(taken.body["entry"]) == "0.00"


async def test_records_without_a_key_in_random_partitions_move_money_exactly(
    caller: Caller,
) -> None:
    """P2, P5, P6 hold wherever records are; order across partitions is not promised (P1)."""
    users = [await caller.a_user("100.00") for _ in range(USERS)]
    sent = [
        (topic, a_movement(username, "1.10"))
        for username in users
        for topic in (DEPOSIT, WITHDRAW) * ROUNDS
    ]
    random.Random(7).shuffle(sent)

    await asyncio.gather(
        *(
            caller.send(topic, body, key=None, partition=number % PARTITIONS)
            for number, (topic, body) in enumerate(sent)
        )
    )

    inbox = caller.inbox
    await inbox.until(lambda: all(inbox.answered[body["command_id"]] for _, body in sent), "all")
    assert {inbox.answers(body["command_id"])[0].code for _, body in sent} == {None}
    for username in users:
        events = await inbox.some("events.balance", username, 1 + 2 * ROUNDS)
        assert posted(events[-1].body) == "100.00"
    assert_in_order(inbox.balance_events())
    await assert_states_are_the_latest(inbox)


async def test_a_librdkafka_client_keeps_its_order_over_the_topics(caller: Caller) -> None:
    """P1: one partitioner for all of a user's commands is enough, whichever it is."""
    service, inbox = caller.service, caller.inbox

    async def interleaved(producer: Any, username: str) -> list[str]:
        key, ids = username.encode(), list[str]()
        for topic in (REGISTER, *(DEPOSIT, WITHDRAW) * ROUNDS):
            movement = a_movement(username, "1.10")
            body = caller.registration(username) if topic is REGISTER else movement
            await producer.send_and_wait(service.topic(topic), orjson.dumps(body), key=key)
            ids.append(body["command_id"])
        return ids

    async with open_producer(service, partitioner=crc32) as producer:
        users = [a_name() for _ in range(USERS)]
        sent = await asyncio.gather(*(interleaved(producer, username) for username in users))

    commands = [command_id for ids in sent for command_id in ids]
    await inbox.until(lambda: all(inbox.answered[one] for one in commands), "all answers")
    assert {inbox.answers(one)[0].code for one in commands} == {None}
    for username in users:
        [*_, last] = await inbox.some("events.balance", username, 2 * ROUNDS)
        assert posted(last.body) == "0.00"


async def test_two_partitioners_for_one_user_lose_no_event(caller: Caller) -> None:
    """P5 holds whichever partition a command came through; P1's order is not promised there."""
    service, inbox = caller.service, caller.inbox
    username = await caller.a_user("50.00")
    bodies = [a_movement(username, "1.00") for _ in range(2 * ROUNDS)]

    async with open_producer(service, partitioner=crc32) as producer:
        for number, body in enumerate(bodies):
            name, key = service.topic(DEPOSIT), username.encode()
            if number % 2:
                await producer.send_and_wait(name, orjson.dumps(body), key=key)
            else:
                await caller.send(DEPOSIT, body)

    events = await inbox.some("events.balance", username, 1 + 2 * ROUNDS)
    assert [event.body["sequence"] for event in events] == [*range(1, 2 * ROUNDS + 2)]
    assert posted(events[-1].body) == "70.00"
