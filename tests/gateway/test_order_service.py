"""The order service takes the money of an order once, and refuses what cannot be paid."""

from dataclasses import replace
from pathlib import Path
from typing import Unpack

import pytest

from client import NotSentError, OutcomeUnknownError, RefusedError, UnreachableError
from client.asking import SentWith
from client.errors import AccountsClientError, NoAnswerError, TopicMissingError
from contracts.codes import Code
from contracts.commands import AnyCommand
from contracts.ledger import Deposit, Withdraw
from contracts.results import Result
from examples.order_service import (
    TRIES_MAX,
    NotDecidedError,
    Order,
    Orders,
    OrdersError,
    State,
    go_on,
    payment,
    place,
)
from tests.gateway.fake_accounts import FakeAccounts
from tests.gateway.known import an_account

ORDER = Order(order_id="7", username="alice", total="25.00", currency="USD")
PAYING = replace(ORDER, state=State.PAYING)


async def kept_nowhere(_order: Order) -> None:
    """Store nothing: what the order comes to is looked at instead."""


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

    placed = await place(fake, ORDER, kept_nowhere)

    assert placed.state is State.ACCEPTED
    assert fake.accounts["alice"].cents == {"USD": 500}
    assert [one.command_id for one in withdrawals(fake)] == ["order:7"]


@pytest.mark.parametrize("amount", ["24.99", "0.01"])
async def test_an_order_that_cannot_be_paid_is_refused_before_anything_is_sent(
    amount: str,
) -> None:
    fake = await a_service(amount)

    placed = await place(fake, ORDER, kept_nowhere)

    assert placed == replace(ORDER, state=State.REFUSED, why=f"has {amount}, needs 25.00")
    assert withdrawals(fake) == []


async def test_a_currency_that_was_never_held_pays_nothing() -> None:
    fake = await a_service()

    assert (await place(fake, replace(ORDER, currency="EUR"), kept_nowhere)).state is State.REFUSED


async def test_the_withdrawal_decides_where_the_money_went_after_the_check() -> None:
    fake = await a_service("1.00")

    placed = await place(fake, PAYING, kept_nowhere)

    assert placed.state is State.REFUSED
    assert placed.why == f"because of {Code.INSUFFICIENT_FUNDS}"


async def test_a_lost_answer_costs_nothing() -> None:
    fake = await a_service()
    fake.silent = TRIES_MAX - 1

    placed = await place(fake, PAYING, kept_nowhere)

    assert placed.state is State.ACCEPTED
    assert fake.accounts["alice"].cents == {"USD": 500}


async def test_an_order_goes_on_after_a_crash_without_a_second_payment() -> None:
    fake = await a_service()
    fake.silent = TRIES_MAX
    with pytest.raises(OutcomeUnknownError):
        await place(fake, PAYING, kept_nowhere)

    placed = await place(fake, PAYING, kept_nowhere)

    assert placed.state is State.ACCEPTED, "though what is left would not pay it"
    assert fake.accounts["alice"].cents == {"USD": 500}


async def test_nothing_is_sent_where_the_balance_cannot_be_had() -> None:
    fake = await a_service()
    fake.refuses = Code.UNKNOWN_ACCOUNT

    with pytest.raises(RefusedError):
        await place(fake, ORDER, kept_nowhere)

    assert withdrawals(fake) == []


@pytest.mark.parametrize("state", [State.ACCEPTED, State.REFUSED])
async def test_an_order_that_is_done_stays_as_it_is(state: State) -> None:
    fake = await a_service()
    done = replace(ORDER, state=state)

    assert await place(fake, done, kept_nowhere) == done
    assert fake.asked == []


def test_an_order_is_always_paid_by_the_same_command() -> None:
    assert payment(ORDER) == payment(PAYING)


class TestStoring:
    async def test_comes_before_the_payment_is_sent(self) -> None:
        """A crash right after the payment was sent must find an order that pays."""
        fake, stored = await a_service(), list[tuple[State, int]]()

        async def store(order: Order) -> None:
            stored.append((order.state, len(withdrawals(fake))))

        await place(fake, ORDER, store)

        assert stored == [(State.PAYING, 0), (State.ACCEPTED, 1)]

    async def test_that_fails_sends_nothing(self) -> None:
        fake = await a_service()

        async def fail(_order: Order) -> None:
            raise OSError("no space left")

        with pytest.raises(OSError, match="no space"):
            await place(fake, ORDER, fail)

        assert withdrawals(fake) == []

    async def test_keeps_a_refusal(self) -> None:
        fake, stored = await a_service("1.00"), list[Order]()

        async def store(order: Order) -> None:
            stored.append(order)

        placed = await place(fake, ORDER, store)

        assert stored == [placed]
        assert placed.state is State.REFUSED


class Failing(FakeAccounts):
    """Its next commands end as told, one error each; what gets no answer is done all the same."""

    def __init__(self) -> None:
        super().__init__()
        self.ends: list[AccountsClientError] = []

    async def ask(
        self, command: AnyCommand, timeout_s: float = 0, **added: Unpack[SentWith]
    ) -> Result:
        if not self.ends:
            return await super().ask(command, timeout_s, **added)
        end = self.ends.pop(0)
        if isinstance(end, OutcomeUnknownError):
            await super().ask(command, timeout_s, **added)
        raise end


class TestNoAnswer:
    NONE = NoAnswerError(payment(ORDER), "no answer")

    @pytest.mark.parametrize("later", [UnreachableError, TopicMissingError, NotSentError])
    async def test_stays_unknown_though_later_nothing_can_be_sent(
        self, later: type[AccountsClientError]
    ) -> None:
        fake = Failing()
        fake.accounts["alice"] = an_account()
        fake.ends = [self.NONE, *(later("away") for _ in range(TRIES_MAX - 1))]

        with pytest.raises(OutcomeUnknownError) as raised:
            await place(fake, PAYING, kept_nowhere)

        assert raised.value is self.NONE

    async def test_is_overcome_by_a_later_try(self) -> None:
        fake = Failing()
        fake.accounts["alice"] = an_account()
        await fake.ask(Deposit(command_id="1", username="alice", amount="25", currency="USD"))
        fake.ends = [self.NONE, UnreachableError("away")]

        assert (await place(fake, PAYING, kept_nowhere)).state is State.ACCEPTED

    async def test_is_none_where_nothing_was_sent(self) -> None:
        fake = Failing()
        fake.ends = [UnreachableError("away")]

        with pytest.raises(UnreachableError):
            await place(fake, PAYING, kept_nowhere)


@pytest.mark.parametrize("code", [code for code in Code if not code.info.recorded])
async def test_an_answer_that_decides_nothing_refuses_nothing(code: Code) -> None:
    fake = await a_service()
    fake.refuses = code
    stored = list[Order]()

    async def store(order: Order) -> None:
        stored.append(order)

    with pytest.raises(NotDecidedError, match=code):
        await place(fake, PAYING, store)

    assert stored == []


@pytest.fixture
def orders(tmp_path: Path) -> Orders:
    return Orders(tmp_path / "orders.json")


class TestOrders:
    async def test_go_on_after_a_crash_once_the_payment_was_sent(self, orders: Orders) -> None:
        fake = Failing()
        fake.accounts["alice"] = an_account()
        await fake.ask(Deposit(command_id="1", username="alice", amount="30", currency="USD"))
        fake.ends = [NoAnswerError(payment(ORDER), "no answer")] * TRIES_MAX
        with pytest.raises(OutcomeUnknownError):
            await go_on(fake, ORDER, orders)

        placed = await go_on(fake, ORDER, orders)

        assert placed.state is State.ACCEPTED
        assert fake.accounts["alice"].cents == {"USD": 500}

    async def test_that_are_accepted_stay_so_when_placed_again(self, orders: Orders) -> None:
        fake = await a_service()
        accepted = await go_on(fake, ORDER, orders)
        fake.asked.clear()

        assert await go_on(fake, ORDER, orders) == accepted
        assert accepted.state is State.ACCEPTED
        assert fake.asked == []

    async def test_are_kept_beside_each_other(self, orders: Orders) -> None:
        fake = await a_service()
        other = replace(ORDER, order_id="8")

        await go_on(fake, ORDER, orders)
        await go_on(fake, other, orders)

        assert orders.known(ORDER).state is State.ACCEPTED
        assert orders.known(other).state is State.REFUSED

    async def test_do_not_change_under_one_id(self, orders: Orders) -> None:
        fake = await a_service()
        await go_on(fake, ORDER, orders)

        with pytest.raises(OrdersError, match="known as another"):
            await go_on(fake, replace(ORDER, total="26.00"), orders)

    @pytest.mark.parametrize("content", [b"", b"{", b"[]"])
    def test_that_cannot_be_read_are_never_taken_for_new(
        self, tmp_path: Path, content: bytes
    ) -> None:
        file = tmp_path / "orders.json"
        file.write_bytes(content)

        with pytest.raises(OrdersError, match=r"orders\.json"):
            Orders(file).known(ORDER)
