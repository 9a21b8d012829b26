"""Many tasks share one client: whichever of them gives up, the others are sent and answered."""

import asyncio
import random
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from client.accounts import AccountsClient
from client.clock import fresh_command_id
from client.errors import NoAnswerError, UnreachableError
from contracts.ledger import Deposit
from tests.e2e.running import RunningService
from tests.speed import at_this_speed

pytestmark = pytest.mark.asyncio(loop_scope="module")

CALLS = 400
CANCELLED = 100
ROUNDS = 10
SENT_WITHIN_S = 5.0
"""It takes milliseconds; a producer that was closed under its users let them wait for ten."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def reply_topic(service: RunningService) -> AsyncIterator[str]:
    yield await service.add_reply_topic("sharing")


def a_deposit() -> Deposit:
    # Of one user, whom nobody knows: all are in one partition, and each has an answer.
    return Deposit(
        command_id=fresh_command_id(), username="nobody-here", amount="1.00", currency="USD"
    )


def a_client(service: RunningService, reply_topic: str | None = None) -> AccountsClient:
    return AccountsClient(
        service.addresses.kafka, topic_prefix=service.prefix, reply_topic=reply_topic
    )


@pytest.mark.parametrize("seed", range(ROUNDS))
async def test_calls_cancelled_at_random_moments_leave_the_others_their_answers(
    service: RunningService, reply_topic: str, seed: int
) -> None:
    chance = random.Random(seed)
    async with a_client(service, reply_topic) as accounts:
        calls = [asyncio.create_task(accounts.ask(a_deposit())) for _ in range(CALLS)]
        given_up = set(chance.sample(calls, CANCELLED))
        loop = asyncio.get_running_loop()
        # From the first connection to the last answer: in the thick of it.
        for call in given_up:
            loop.call_later(chance.expovariate(1 / 0.1), call.cancel)

        ends = await asyncio.gather(*calls, return_exceptions=True)

    others = [end for call, end in zip(calls, ends, strict=True) if call not in given_up]
    assert {type(end).__name__ for end in others} == {"Result"}
    assert any(isinstance(end, asyncio.CancelledError) for end in ends)


@pytest.mark.parametrize("after_ms", [0, 1, 2, 3, 5])
async def test_one_cancelled_while_the_producer_is_fresh_lets_the_others_be_sent(
    service: RunningService, after_ms: int
) -> None:
    async with a_client(service) as accounts:
        cancelled = asyncio.create_task(accounts.send(a_deposit()))
        others = [asyncio.create_task(accounts.send(a_deposit())) for _ in range(4)]
        asyncio.get_running_loop().call_later(0.02 + after_ms / 1000, cancelled.cancel)

        async with asyncio.timeout(at_this_speed(SENT_WITHIN_S)):
            await asyncio.gather(*others)


async def test_one_out_of_time_lets_the_others_be_answered(
    service: RunningService, reply_topic: str
) -> None:
    async with a_client(service, reply_topic) as accounts:
        await accounts.ask(a_deposit())
        others = [asyncio.create_task(accounts.ask(a_deposit())) for _ in range(500)]

        hasty = [accounts.ask(a_deposit(), timeout_s=0.01) for _ in range(5)]
        for end in await asyncio.gather(*hasty, return_exceptions=True):
            assert isinstance(end, NoAnswerError | UnreachableError)

        for answer in await asyncio.gather(*others):
            assert answer.status == "rejected"
