"""A client in another event loop than its own says so at once; closed, it may go where it likes."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import pytest

from client.accounts import AccountsClient
from client.one_loop import OneLoop
from client.revocations import Revocations
from contracts import topics
from contracts.ledger import Deposit
from contracts.queries import GetBalance

DEPOSIT = Deposit(command_id="c-1", username="alice", amount="1.00", currency="USD")
QUESTION = GetBalance(request_id="r-1", username="alice")
ANOTHER = "belongs to another event loop"

Call: TypeAlias = Callable[[AccountsClient], Awaitable[Any]]


async def opened(client: AccountsClient) -> None:
    async with client:
        pass


async def read(client: AccountsClient) -> None:
    async with client.reader(topics.RESULTS, "end"):
        pass


CALLS: dict[str, Call] = {
    "async with": opened,
    "send": lambda client: client.send(DEPOSIT),
    "ask": lambda client: client.ask(DEPOSIT),
    "request": lambda client: client.request(QUESTION),
    "snapshot": lambda client: client.snapshot(),
    "reader": read,
    "results": lambda client: anext(client.follow_results()),
    "balance events": lambda client: anext(client.follow_balance_events()),
    "revocations": lambda client: anext(client.follow_revocations()),
}


async def entered(client: AccountsClient) -> None:
    await client.__aenter__()


async def calling(call: Call, client: AccountsClient) -> None:
    await call(client)


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_second_run_is_told_at_once(call: Call) -> None:
    client = AccountsClient("127.0.0.1:1")
    asyncio.run(entered(client))

    with pytest.raises(RuntimeError, match=ANOTHER):
        asyncio.run(calling(call, client))


async def test_another_thread_is_told_at_once() -> None:
    client = AccountsClient("127.0.0.1:1")
    await entered(client)
    errors: list[RuntimeError] = []

    def elsewhere() -> None:
        try:
            asyncio.run(client.send(DEPOSIT))
        except RuntimeError as error:
            errors.append(error)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    await asyncio.to_thread(thread.join)

    assert ANOTHER in str(errors)


def test_a_client_that_was_closed_may_be_opened_in_another_run() -> None:
    client = AccountsClient("127.0.0.1:1")

    for _ in range(2):
        asyncio.run(opened(client))


def test_revocations_are_told_too() -> None:
    revocations = Revocations(AccountsClient("127.0.0.1:1"))

    async def enter() -> None:
        async with revocations:
            pass

    asyncio.run(enter())
    with pytest.raises(RuntimeError, match=ANOTHER):
        asyncio.run(revocations.wait_until_caught_up())


async def test_the_first_loop_goes_on() -> None:
    loop = OneLoop("client")

    loop.check()
    with pytest.raises(RuntimeError, match=ANOTHER):
        await asyncio.to_thread(lambda: asyncio.run(checked(loop)))
    loop.check()


async def checked(loop: OneLoop) -> None:
    loop.check()
