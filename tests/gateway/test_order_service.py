"""The order service takes the money of an order once, and refuses what cannot be paid."""

from dataclasses import replace

import pytest

from client import OutcomeUnknownError, RefusedError
from contracts.codes import Code
from contracts.ledger import Deposit, Withdraw
from examples.order_service import TRIES_MAX, Order, State, payment, place
from tests.gateway.fake_accounts import FakeAccounts
from tests.gateway.known import an_account

ORDER = Order(order_id="7", username="alice", total="25.00", currency="USD")


async def a_service(amount: str = "30.00") -> FakeAccounts:
    fake = FakeAccounts()
    fake.accounts["alice"] = an_account()
    await fake.ask(Deposit(command_id="1", username="alice", amount=amount, currency="USD"))
    fake.asked.clear()
    return fake


def withdrawals(fake: FakeAccounts) -> list[Withdraw]:
    return [asked for asked in fake.asked if isinstance(asked, Withdraw)]


async def test_an_order_is_accepted_once_it_is_paid() -> None:
    fake = await a_service()

    placed = await place(fake, ORDER)

    assert placed.state is State.ACCEPTED
    assert fake.accounts["alice"].cents == {"USD": 500}
    assert [one.command_id for one in withdrawals(fake)] == ["order:7"]


@pytest.mark.parametrize("amount", ["24.99", "0.01"])
async def test_an_order_that_cannot_be_paid_is_refused_before_anything_is_sent(
    amount: str,
) -> None:
    fake = await a_service(amount)

    placed = await place(fake, ORDER)

    assert placed == replace(ORDER, state=State.REFUSED, why=f"has {amount}, needs 25.00")
    assert withdrawals(fake) == []


async def test_a_currency_that_was_never_held_pays_nothing() -> None:
    fake = await a_service()

    assert (await place(fake, replace(ORDER, currency="EUR"))).state is State.REFUSED


async def test_the_withdrawal_decides_where_the_money_went_after_the_check() -> None:
    fake = await a_service("1.00")

    placed = await place(fake, replace(ORDER, state=State.PAYING))

    assert placed.state is State.REFUSED
    assert placed.why == f"because of {Code.INSUFFICIENT_FUNDS}"


async def test_a_lost_answer_costs_nothing() -> None:
    fake = await a_service()
    paying = replace(ORDER, state=State.PAYING)
    fake.silent = TRIES_MAX - 1

    placed = await place(fake, paying)

    assert placed.state is State.ACCEPTED
    assert fake.accounts["alice"].cents == {"USD": 500}


async def test_an_order_goes_on_after_a_crash_without_a_second_payment() -> None:
    fake = await a_service()
    paying = replace(ORDER, state=State.PAYING)
    fake.silent = TRIES_MAX
    with pytest.raises(OutcomeUnknownError):
        await place(fake, paying)

    placed = await place(fake, paying)

    assert placed.state is State.ACCEPTED, "though what is left would not pay it"
    assert fake.accounts["alice"].cents == {"USD": 500}


async def test_nothing_is_sent_where_the_balance_cannot_be_had() -> None:
    fake = await a_service()
    fake.refuses = Code.UNKNOWN_ACCOUNT

    with pytest.raises(RefusedError):
        await place(fake, ORDER)

    assert withdrawals(fake) == []


@pytest.mark.parametrize("state", [State.ACCEPTED, State.REFUSED])
async def test_an_order_that_is_done_stays_as_it_is(state: State) -> None:
    fake = await a_service()
    done = replace(ORDER, state=state)

    assert await place(fake, done) == done
    assert fake.asked == []


def test_an_order_is_always_paid_by_the_same_command() -> None:
    assert payment(ORDER) == payment(replace(ORDER, state=State.PAYING))
