"""One user's commands over several topics, by senders that wait for acknowledgements only (P1)."""

import asyncio
from collections.abc import Callable
from decimal import Decimal

import orjson
import pytest

from contracts.topics import DEPOSIT, REGISTER, WITHDRAW
from tests.e2e.caller import Caller, a_movement, a_name, open_producer
from tests.e2e.entries import posted
from tests.e2e.trail import assert_in_order, assert_states_are_the_latest
from tests.speed import at_this_speed

pytestmark = pytest.mark.asyncio(loop_scope="module")

USERS = 50
ROUNDS = 8


async def interleaved(caller: Caller, username: str) -> list[str]:
    """Register, then deposit and take all of it again and again; wait for Kafka only."""
    registration = caller.registration(username)
    sent = [registration["command_id"]]
    await caller.send(REGISTER, registration)
    for number in range(ROUNDS):
        amount = f"{number + 1}.25"
        for topic in (DEPOSIT, WITHDRAW):
            body = a_movement(username, amount)
            await caller.send(topic, body)
            sent.append(body["command_id"])
    last = a_movement(username, "0.07")
    await caller.send(DEPOSIT, last)
    return [*sent, last["command_id"]]


async def test_nothing_is_refused_because_another_topic_was_not_read_yet(caller: Caller) -> None:
    """P1, P5, P6: 50 users at once; every withdrawal needs the deposit right before it."""
    inbox = caller.inbox
    users = [a_name() for _ in range(USERS)]

    sent = await asyncio.gather(*(interleaved(caller, username) for username in users))

    commands = [command_id for ids in sent for command_id in ids]
    await inbox.until(lambda: all(inbox.answered[one] for one in commands), "all answers")
    refused = [one.body for one in inbox.results() if one.code]
    assert refused == []
    for username, ids in zip(users, sent, strict=True):
        events = await inbox.some("events.balance", username, 2 * ROUNDS + 1)
        decided = [event.body["command_id"] for event in events]
        # Within a topic by offset; across topics, broker times this close are ties.
        assert [one for one in decided if one in ids[1::2]] == ids[1::2], "deposits in order"
        assert [one for one in decided if one in ids[2::2]] == ids[2::2], "withdrawals in order"
        assert posted(events[-1].body) == "0.07"
    assert assert_in_order(inbox.balance_events()) == USERS * (2 * ROUNDS + 1)
    await assert_states_are_the_latest(inbox)


async def test_a_withdrawal_waits_for_a_deposit_that_cannot_be_read_yet(caller: Caller) -> None:
    """P1: parked, not refused; here somebody's open transaction holds back the deposit topic."""
    service, inbox = caller.service, caller.inbox
    worker = service.workers[-1]
    username, bystander = await caller.a_user(), await caller.a_user("5.00")
    deposit, withdrawal = a_movement(username, "5.00"), a_movement(username, "5.00")
    after = a_movement(username, "1.00")
    questions = worker.metric("accounts_end_offset_questions_total")
    async with open_producer(service, transactional_id=a_name("holder")) as holder:
        place = await caller.send(DEPOSIT, a_movement(bystander, "1.00"))
        await holder.begin_transaction()
        in_the_way = b'{"in the way": true}'
        await holder.send_and_wait(place.topic, in_the_way, partition=place.partition)

        await caller.send(DEPOSIT, deposit, partition=place.partition)
        await caller.send(WITHDRAW, withdrawal, partition=place.partition)
        await caller.send(WITHDRAW, after, partition=place.partition)
        await eventually(lambda: worker.metric("accounts_parked_records"))
        await caller.withdraw(bystander, "1.00")

        assert worker.metric("accounts_end_offset_questions_total") > questions
        assert inbox.answers(withdrawal["command_id"]) == []
        assert inbox.answers(after["command_id"]) == []
        await holder.abort_transaction()

    assert (await inbox.answer(withdrawal["command_id"])).body["status"] == "accepted"
    assert (await inbox.answer(after["command_id"])).code == "insufficient_funds"
    assert worker.metric("accounts_parked_records") == 0


async def test_an_open_transaction_keeps_back_what_is_behind_it_and_is_seen(
    caller: Caller,
) -> None:
    """P1 takes a wait, and so does what would be accepted; the metrics say since when."""
    service, inbox = caller.service, caller.inbox
    worker = service.workers[-1]
    username = await caller.a_user()
    deposit, withdrawal = a_movement(username, "5.00"), a_movement(username, "5.00")
    async with open_producer(service, transactional_id=a_name("holder")) as holder:
        await holder.begin_transaction()
        in_the_way = await holder.send_and_wait(service.topic(DEPOSIT), b"{}", key=b"somebody")
        place = in_the_way.partition
        await caller.send(DEPOSIT, deposit, partition=place)
        await caller.send(WITHDRAW, withdrawal, partition=place)

        await eventually(lambda: worker.metric("accounts_parked_seconds"))
        await eventually(
            lambda: worker.metric("accounts_open_transaction_seconds", partition=str(place))
        )
        assert inbox.answers(deposit["command_id"]) == []
        await holder.abort_transaction()

    assert (await inbox.answer(withdrawal["command_id"])).body["status"] == "accepted"
    assert worker.metric("accounts_parked_seconds") == 0
    await eventually(lambda: not worker.metric("accounts_open_transaction_seconds"))


async def test_a_deposit_in_an_aborted_transaction_delays_a_refusal_no_longer(
    caller: Caller,
) -> None:
    """P10: nothing but the mark of its end can be read there, and that is enough."""
    service = caller.service
    username = await caller.a_user()
    async with open_producer(service, transactional_id=a_name("giving-up")) as producer:
        await producer.begin_transaction()
        never = orjson.dumps(a_movement(username, "5.00"))
        await producer.send_and_wait(service.topic(DEPOSIT), never, key=username.encode())
        await producer.abort_transaction()

    answer = await caller.ask(WITHDRAW, a_movement(username, "5.00"), within_s=at_this_speed(2))

    assert answer.code == "insufficient_funds"


async def test_a_refusal_that_is_right_comes_at_once(caller: Caller) -> None:
    """P1 costs one question, not a wait: nothing else of this user is on its way."""
    username = await caller.a_user("1.00")

    answer = await caller.ask(WITHDRAW, a_movement(username, "5.00"), within_s=at_this_speed(1))

    assert answer.code == "insufficient_funds"


async def test_a_deposit_sent_after_the_result_of_another_finds_it(caller: Caller) -> None:
    """P1: whoever waited for X's result may rely on it."""
    username = await caller.a_user()
    total = Decimal(0)
    for number in range(1, 6):
        await caller.deposit(username, f"{number}.00")
        answer = await caller.withdraw(username, "0.50")
        total += number - Decimal("0.50")
        assert posted(answer.body["entry"]) == str(total)


async def eventually(is_so: Callable[[], object]) -> None:
    """Wait until the condition holds; it asks the worker, so it is asked in a thread."""
    async with asyncio.timeout(30):
        while not await asyncio.to_thread(is_so):  # noqa: ASYNC110 - nothing tells us
            await asyncio.sleep(0.02)
