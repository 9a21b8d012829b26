"""P11: a caller's reply topic is missing, or goes away; the others' answers do not wait for it."""

import asyncio
import time

from contracts.headers import REPLY_TO, UNDELIVERED
from contracts.topics import DEPOSIT
from tests.e2e.caller import Body, Caller, a_movement, open_caller
from tests.e2e.inbox import Message
from tests.e2e.running import RunningService
from tests.faults.promises import verify
from tests.faults.running_traffic import started
from tests.speed import at_this_speed
from workers.kafka.connection import kafka_admin

COMMANDS = 300
DEAD_SHARE = 10
"""Every tenth command names the dead topic."""

OTHERS_WAIT_MAX_S = 5.0
"""The bound for one attempt on a reply topic is one second; the rest is a busy machine."""


async def sent(caller: Caller, username: str, reply_to: str) -> list[Body]:
    """Send many deposits, every tenth with *reply_to*; return those, after the others."""
    bodies = [a_movement(username, "1.00") for _ in range(COMMANDS)]
    header = (REPLY_TO, reply_to.encode())
    await asyncio.gather(
        *(
            caller.send(DEPOSIT, body, headers=[] if number % DEAD_SHARE else [header])
            for number, body in enumerate(bodies)
        )
    )
    return bodies


async def answers(caller: Caller, bodies: list[Body], within_s: float) -> list[Message]:
    """Return the first answer to each."""
    deadline = time.monotonic() + within_s
    return [
        await caller.inbox.answer(body["command_id"], within_s=deadline - time.monotonic())
        for body in bodies
    ]


async def test_answers_to_a_missing_topic_fall_back_and_the_others_do_not_wait(
    service: RunningService,
) -> None:
    """P4, P11."""
    async with open_caller(service) as caller:
        await started(service, 1)
        username = await caller.a_user()
        missing = f"{service.prefix}replies.nobody"

        bodies = await sent(caller, username, missing)

        found = await answers(caller, bodies, at_this_speed(OTHERS_WAIT_MAX_S))
        for number, answer in enumerate(found):
            mark = None if number % DEAD_SHARE else "missing"
            assert (answer.topic, answer.headers.get(UNDELIVERED)) == ("results", mark)
        await asyncio.to_thread(verify, service)


async def test_answers_to_a_topic_that_was_deleted_fall_back_and_the_others_do_not_wait(
    service: RunningService,
) -> None:
    """P4, P11: it was there when it was last asked for."""
    async with open_caller(service) as caller:
        await started(service, 1)
        username = await caller.a_user()
        mine = await service.add_reply_topic("mine")
        await caller.inbox.follow("replies.mine")
        before = await answers(
            caller, await sent(caller, username, mine), at_this_speed(OTHERS_WAIT_MAX_S)
        )
        async with kafka_admin(service.settings) as admin:
            await admin.delete_topics([mine])

        after = await answers(
            caller, await sent(caller, username, mine), at_this_speed(2 * OTHERS_WAIT_MAX_S)
        )

        assert {one.topic for one in before[::DEAD_SHARE]} == {"replies.mine"}
        assert {UNDELIVERED in one.headers for one in before} == {False}
        for number, answer in enumerate(after):
            assert answer.topic == "results"
            assert (UNDELIVERED in answer.headers) == (number % DEAD_SHARE == 0)
        await asyncio.to_thread(verify, service)
