"""Sent again, read again, reset to zero: the effect happens once, the answer is the same (P2, P3)."""

import asyncio
from collections.abc import Sequence
from typing import Any, cast

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from contracts.topics import CREDENTIALS, DEPOSIT, ORDERED, REGISTER, WITHDRAW
from tests.e2e.caller import Caller, a_movement, a_name, a_profile_change
from tests.e2e.inbox import Message
from tests.e2e.running import PARTITIONS, RunningService
from tests.e2e.trail import assert_in_order, assert_states_are_the_latest

pytestmark = pytest.mark.asyncio(loop_scope="module")


def as_duplicate(first: Message) -> bytes:
    """Return the bytes that the same answer has when it is given again."""
    said = first.value.replace(b'"duplicate":false', b'"duplicate":true')
    assert said != first.value
    return said


async def sequences(caller: Caller, username: str) -> list[int]:
    """Return the account's events so far, and one more that shows that all have arrived."""
    last = await caller.deposit(username, "0.01")
    count = last.body["entry"]["sequence"]
    events = await caller.inbox.some("events.balance", username, count)
    return [event.body["sequence"] for event in events]


async def test_a_repeat_gets_the_same_answer_and_moves_nothing(caller: Caller) -> None:
    username = await caller.a_user("10.00")
    body = a_movement(username, "4.00")
    first = await caller.accepted(WITHDRAW, body)

    again = await caller.ask(WITHDRAW, body)

    assert again.value == as_duplicate(first)
    assert again.header_list == first.header_list
    assert await sequences(caller, username) == [1, 2, 3]


async def test_many_copies_at_once_move_money_once(caller: Caller) -> None:
    """P2: copies in one batch, before any of them is recorded."""
    username = await caller.a_user()
    body = a_movement(username, "5.00")

    await asyncio.gather(*(caller.send(DEPOSIT, body) for _ in range(20)))

    await caller.inbox.answer(body["command_id"], 20)
    answers = caller.inbox.answers(body["command_id"])
    first = answers[0]
    assert [one.value for one in answers[1:]] == [as_duplicate(first)] * 19
    assert await sequences(caller, username) == [1, 2]


async def test_a_copy_in_another_partition_moves_nothing(caller: Caller) -> None:
    """P2 does not hang on where a sender puts a record."""
    username = await caller.a_user()
    body = a_movement(username, "5.00")

    for partition in range(PARTITIONS):
        await caller.accepted(DEPOSIT, body, partition=partition)

    assert await sequences(caller, username) == [1, 2]


async def test_the_same_in_other_words_is_a_repeat(caller: Caller) -> None:
    username = await caller.a_user()
    body = a_movement(username, "5.00", expires_at="2099-01-01T12:00:00Z")
    first = await caller.accepted(DEPOSIT, body)

    again = await caller.ask(
        DEPOSIT, body | {"amount": "5", "expires_at": "2099-01-01T13:00:00.000+01:00"}
    )

    assert again.value == as_duplicate(first)


async def test_a_repeat_is_answered_where_it_asks(caller: Caller) -> None:
    topic = await caller.service.add_reply_topic("retry")
    await caller.inbox.follow("replies.retry")
    username = await caller.a_user()
    body = a_movement(username, "5.00")
    first = await caller.accepted(DEPOSIT, body)

    headers = [("reply_to", topic.encode()), ("correlation_id", b"second try")]
    again = await caller.ask(DEPOSIT, body, headers=headers)

    assert (again.topic, again.value) == ("replies.retry", as_duplicate(first))
    assert first.headers["correlation_id"] == body["command_id"]
    assert again.headers["correlation_id"] == "second try"


async def test_a_conflict_changes_nothing(caller: Caller) -> None:
    username = await caller.a_user()
    body = a_movement(username, "5.00")
    first = await caller.accepted(DEPOSIT, body)

    assert await caller.refused(DEPOSIT, body | {"amount": "6.00"}) == "command_id_conflict"

    assert (await caller.ask(DEPOSIT, body)).value == as_duplicate(first)
    assert await sequences(caller, username) == [1, 2]


async def test_another_user_may_use_the_same_command_id(caller: Caller) -> None:
    one, other = await caller.a_user(), await caller.a_user()
    body = a_movement(one, "5.00")
    await caller.accepted(DEPOSIT, body)

    answer = await caller.accepted(DEPOSIT, body | {"username": other})

    assert answer.body["duplicate"] is False


async def test_with_offsets_reset_to_zero_everything_is_answered_again(caller: Caller) -> None:
    """P2, P3, P4, P5: the whole history once more, and no balance moves."""
    service, inbox = caller.service, caller.inbox
    users = [await caller.a_user("10.00") for _ in range(5)]
    for username in users:
        await caller.withdraw(username, "4.00")
        await caller.withdraw(username, "40.00")
        await caller.update_profile(username, first_name="Renamed")
    taken = caller.registration(a_name(), email=f"{users[0]}@example.com")
    assert await caller.refused(REGISTER, taken) == "email_taken"
    await caller.send(DEPOSIT, a_profile_change(users[0]))
    before, accounts = dict(inbox.answered), stored_accounts(service)
    first = {command_id: inbox.answers(command_id) for command_id in before}
    service.workers[-1].stop()

    await reset_offsets(service)
    await asyncio.to_thread(service.start_worker)

    def missing() -> dict[str, int]:
        return {one: less for one, n in before.items() if (less := 2 * n - inbox.answered[one]) > 0}

    await inbox.until(lambda: not missing(), lambda: f"answers once more: {missing()}")
    assert stored_accounts(service) == accounts
    for command_id, answers in first.items():
        again = inbox.answers(command_id)[len(answers) :]
        assert decided(again) == decided(answers)
    assert_in_order(inbox.balance_events())
    await assert_states_are_the_latest(inbox)
    await caller.deposit(users[0], "1.00")


def decided(answers: Sequence[Message]) -> set[bytes]:
    """Return the different answers, without those that are no decisions: they name the time."""
    undecided = {"command_id_conflict", "invalid_command"}
    return {one.value for one in answers if one.code not in undecided}


def stored_accounts(service: RunningService) -> list[object]:
    with service.mongodb() as database:
        return list(database["accounts"].find(sort=[("_id", 1)]))


async def reset_offsets(service: RunningService) -> None:
    """Have both groups, which must be empty, start over."""
    settings = service.settings
    for group, topics in (
        (settings.ledger.group, ORDERED),
        (settings.identity_group, (CREDENTIALS,)),
    ):
        kafka = service.addresses.kafka
        consumer = cast("Any", AIOKafkaConsumer(bootstrap_servers=kafka, group_id=group))
        await consumer.start()
        try:
            places = [
                TopicPartition(service.topic(topic), number)
                for topic in topics
                for number in range(PARTITIONS)
            ]
            consumer.assign(places)
            await consumer.commit(dict.fromkeys(places, 0))
        finally:
            await consumer.stop()
