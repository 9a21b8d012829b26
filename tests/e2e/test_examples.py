"""The order service and the portfolio on the real service."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
import pytest_asyncio

from client import AccountsClient
from examples.order_service import Order, Orders, State, go_on, payment, place
from examples.portfolio import Portfolio, follow
from tests.e2e.caller import Caller
from tests.e2e.running import RunningService
from tests.faults.promises import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")

FOLLOWED_MAX_S = 30.0


@pytest_asyncio.fixture(loop_scope="module")
async def accounts(service: RunningService) -> AsyncIterator[AccountsClient]:
    bootstrap = service.addresses.kafka
    async with AccountsClient(bootstrap, topic_prefix=service.prefix) as accounts:
        yield accounts


def an_order(username: str, total: str) -> Order:
    return Order(order_id=uuid4().hex, username=username, total=total, currency="USD")


async def kept_nowhere(_order: Order) -> None:
    """Store nothing: these orders are placed in one go."""


async def test_orders_are_accepted_while_there_is_money(
    caller: Caller, accounts: AccountsClient
) -> None:
    username = await caller.a_user("100.00")

    placed = [await place(accounts, an_order(username, "60.00"), kept_nowhere) for _ in range(2)]

    assert [one.state for one in placed] == [State.ACCEPTED, State.REFUSED]
    assert placed[1].why == "has 40.00, needs 60.00"


async def test_orders_at_once_never_spend_more_than_there_is(
    caller: Caller, accounts: AccountsClient
) -> None:
    """Each check sees enough; the withdrawals decide."""
    username = await caller.a_user("100.00")
    orders = [an_order(username, "60.00") for _ in range(4)]

    placed = await asyncio.gather(*(place(accounts, order, kept_nowhere) for order in orders))

    states = sorted(one.state for one in placed)
    assert states == [State.ACCEPTED, State.REFUSED, State.REFUSED, State.REFUSED]


async def test_an_order_whose_payment_was_sent_goes_on_after_a_crash(
    caller: Caller, accounts: AccountsClient, tmp_path: Path
) -> None:
    """P2, P3: what is left would not pay it, but it has paid."""
    username = await caller.a_user("100.00")
    order, orders = an_order(username, "60.00"), Orders(tmp_path / "orders.json")
    await orders.store(replace(order, state=State.PAYING))
    await accounts.ask(payment(order))

    again = [await go_on(accounts, order, orders) for _ in range(2)]

    assert [one.state for one in again] == [State.ACCEPTED, State.ACCEPTED]
    assert (await caller.withdraw(username, "40.01")).code == "insufficient_funds"


async def test_a_portfolio_goes_on_where_it_was_stopped(
    caller: Caller, accounts: AccountsClient, tmp_path: Path
) -> None:
    file = tmp_path / "portfolio.json"
    before = await caller.a_user("100.00")

    await follow_until(accounts, file, before, "100.00")
    await place(accounts, an_order(before, "30.00"), kept_nowhere)
    later = await caller.a_user("5.00")

    await follow_until(accounts, file, later, "5.00")
    assert available(file, before) == "70.00"


async def follow_until(accounts: AccountsClient, file: Path, username: str, amount: str) -> None:
    """Follow with what the file holds until it says so, then stop in the middle of it."""
    following = asyncio.create_task(follow(accounts, Portfolio(file)))
    await eventually(
        lambda: available(file, username) == amount, "the portfolio follows", FOLLOWED_MAX_S
    )
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)


def available(file: Path, username: str) -> str | None:
    portfolio = Portfolio(file)
    portfolio.load()
    held = portfolio.balances.get(username)
    return held.balances["USD"].available if held else None
