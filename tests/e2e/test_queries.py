"""Questions to a running service: what has been answered is seen, and pages hold still."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from client.accounts import AccountsClient
from contracts.codes import Code
from contracts.queries import GetBalance, GetOutcome, GetProfile, ListTransactions, Page
from contracts.topics import DEPOSIT, REGISTER
from tests.e2e.caller import Caller, a_movement, a_name, an_id
from tests.e2e.running import RunningService

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(service: RunningService) -> AsyncIterator[AccountsClient]:
    """Yield the client that other services use."""
    async with AccountsClient(service.addresses.kafka, topic_prefix=service.prefix) as client:
        yield client


async def page_of(client: AccountsClient, username: str, **fields: Any) -> Page:
    body = {"request_id": an_id(), "username": username, **fields}
    reply = await client.request(ListTransactions.model_validate(body))
    assert reply.page is not None, reply.error
    return reply.page


async def test_a_read_after_a_result_sees_that_result(
    caller: Caller, client: AccountsClient
) -> None:
    username = await caller.a_user()

    for number in range(1, 11):
        command = a_movement(username, "1.00")
        await caller.accepted(DEPOSIT, command)
        balance, outcome, page = await asyncio.gather(
            client.request(GetBalance(request_id=an_id(), username=username)),
            client.request(
                GetOutcome(request_id=an_id(), username=username, command_id=command["command_id"])
            ),
            page_of(client, username, limit=1),
        )

        assert balance.balances is not None
        assert balance.balances.balances["USD"].posted == f"{number}.00"
        assert outcome.outcome is not None
        assert outcome.outcome.result.entry is not None
        assert outcome.outcome.result.entry.sequence == number
        assert [each.command_id for each in page.transactions] == [command["command_id"]]


async def test_whoever_is_registered_has_an_active_profile(
    caller: Caller, client: AccountsClient
) -> None:
    username = a_name()
    registration = caller.registration(username, phone="+14155550123")
    await caller.accepted(REGISTER, registration)

    profile, outcome = await asyncio.gather(
        client.request(GetProfile(request_id=an_id(), username=username)),
        client.request(
            GetOutcome(request_id=an_id(), username=username, command_id=registration["command_id"])
        ),
    )

    assert profile.profile is not None
    assert (profile.profile.status, profile.profile.phone) == ("active", "+14155550123")
    assert outcome.outcome is not None
    assert outcome.outcome.state == "decided"
    assert outcome.outcome.result.account_id == profile.profile.account_id


@pytest.mark.parametrize("order", ["newest", "oldest"])
async def test_pages_hold_still_while_money_moves(
    caller: Caller, client: AccountsClient, order: str
) -> None:
    username = await caller.a_user()
    for number in range(12):
        await caller.deposit(username, "1.00", "EUR" if number % 3 == 0 else "USD")

    fields: dict[str, Any] = {"order": order, "limit": 3, "currency": "USD"}
    seen: list[int] = []
    while True:
        page = await page_of(client, username, **fields)
        seen += [each.sequence for each in page.transactions]
        if page.next_cursor is None:
            break
        if "cursor" not in fields:  # while the first page is read
            await caller.deposit(username, "1.00")
        fields["cursor"] = page.next_cursor

    before = [2, 3, 5, 6, 8, 9, 11, 12]
    assert seen == ([*before, 13] if order == "oldest" else before[::-1])


async def test_a_cursor_of_another_user_is_refused(caller: Caller, client: AccountsClient) -> None:
    alice, bob = await caller.a_user("1.00", "alice"), await caller.a_user("1.00", "bob")
    await caller.deposit(alice, "1.00")
    page = await page_of(client, alice, limit=1)

    reply = await client.request(
        ListTransactions(request_id=an_id(), username=bob, limit=1, cursor=page.next_cursor)
    )

    assert reply.error is not None
    assert reply.error.code == Code.CURSOR_INVALID
    assert reply.page is None


async def test_what_is_not_there_is_said_not_to_be(caller: Caller, client: AccountsClient) -> None:
    known, unknown = await caller.a_user(), a_name("nobody")

    replies = await asyncio.gather(
        client.request(GetBalance(request_id=an_id(), username=unknown)),
        client.request(GetProfile(request_id=an_id(), username=unknown)),
        client.request(ListTransactions(request_id=an_id(), username=unknown)),
        client.request(GetOutcome(request_id=an_id(), username=known, command_id="$where")),
    )

    assert [reply.error.code for reply in replies if reply.error] == [
        *[Code.UNKNOWN_ACCOUNT] * 3,
        Code.UNKNOWN_COMMAND,
    ]
