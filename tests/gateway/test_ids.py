"""What users choose at the gateway never stands for what anybody else asks of the service."""

import asyncio

import pytest

from contracts.ledger import Deposit, Withdraw
from contracts.registration import Register
from examples.order_service import Order, State, payment, place
from tests.gateway.gateway_in_memory import ALICE, DEPOSIT, GatewayInMemory

ORDER = Order(order_id="order-9", username="alice", total="10.50", currency="USD")
PAYMENT_ID = payment(ORDER).command_id


async def kept_nowhere(_order: Order) -> None:
    """Store nothing: what the order comes to is looked at instead."""


def paid(in_memory: GatewayInMemory) -> Order:
    """Return the order, placed by the service that takes orders."""
    return asyncio.run(place(in_memory.fake, ORDER, kept_nowhere))


def test_a_payout_pays_no_order(in_memory: GatewayInMemory) -> None:
    in_memory.sign_in()
    in_memory.post("/balance/deposit", {"amount": "21.00", "currency": "USD"})

    payout = {**DEPOSIT, "related_id": ORDER.order_id}
    assert in_memory.post("/balance/withdraw", payout, key=PAYMENT_ID).status_code == 200

    assert paid(in_memory).state is State.ACCEPTED
    assert in_memory.fake.accounts["alice"].cents == {"USD": 0}, "paid beside the payout"


def test_a_registration_by_anybody_uses_up_no_id_of_a_service(in_memory: GatewayInMemory) -> None:
    in_memory.sign_in()
    in_memory.post("/balance/deposit", DEPOSIT)

    in_memory.client.post("/auth/register", json=ALICE, headers={"Idempotency-Key": PAYMENT_ID})

    assert paid(in_memory).state is State.ACCEPTED


@pytest.mark.parametrize("key", ["first", "gateway:first"])
def test_a_registration_by_anybody_uses_up_no_key_of_the_user(
    in_memory: GatewayInMemory, key: str
) -> None:
    in_memory.sign_in()

    in_memory.client.post("/auth/register", json=ALICE, headers={"Idempotency-Key": key})

    assert in_memory.post("/balance/deposit", DEPOSIT, key="first").status_code == 200


def test_the_ids_of_users_begin_as_no_others_do(in_memory: GatewayInMemory) -> None:
    in_memory.sign_in()
    for key in ("a", "order:7", None):
        in_memory.post("/balance/deposit", DEPOSIT, key=key)
        in_memory.post("/balance/withdraw", DEPOSIT, key=f"{key}-2")
        in_memory.patch("/auth/profile", {"first_name": "Al"}, key=f"{key}-3")
        in_memory.register()

    commands = [one for one in in_memory.fake.asked if hasattr(one, "command_id")]

    registered = [one.command_id for one in commands if isinstance(one, Register)]
    moved = [one.command_id for one in commands if isinstance(one, Deposit | Withdraw)]
    assert all(one.startswith("gateway-register:") for one in registered)
    assert all(one.startswith("gateway:") for one in moved)
    assert (len(registered), len(moved)) == (4, 6)
