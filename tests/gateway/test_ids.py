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


def paid(rig: GatewayInMemory) -> Order:
    """Return the order, placed by the service that takes orders."""
    return asyncio.run(place(rig.fake, ORDER, kept_nowhere))


def test_a_payout_pays_no_order(rig: GatewayInMemory) -> None:
    rig.sign_in()
    rig.post("/balance/deposit", {"amount": "21.00", "currency": "USD"})

    payout = {**DEPOSIT, "related_id": ORDER.order_id}
    assert rig.post("/balance/withdraw", payout, key=PAYMENT_ID).status_code == 200

    assert paid(rig).state is State.ACCEPTED
    assert rig.fake.accounts["alice"].cents == {"USD": 0}, "paid beside the payout"


def test_a_registration_by_anybody_uses_up_no_id_of_a_service(rig: GatewayInMemory) -> None:
    rig.sign_in()
    rig.post("/balance/deposit", DEPOSIT)

    rig.client.post("/auth/register", json=ALICE, headers={"Idempotency-Key": PAYMENT_ID})

    assert paid(rig).state is State.ACCEPTED


@pytest.mark.parametrize("key", ["first", "gateway:first"])
def test_a_registration_by_anybody_uses_up_no_key_of_the_user(
    rig: GatewayInMemory, key: str
) -> None:
    rig.sign_in()

    rig.client.post("/auth/register", json=ALICE, headers={"Idempotency-Key": key})

    assert rig.post("/balance/deposit", DEPOSIT, key="first").status_code == 200


def test_the_ids_of_users_begin_as_no_others_do(rig: GatewayInMemory) -> None:
    rig.sign_in()
    for key in ("a", "order:7", None):
        rig.post("/balance/deposit", DEPOSIT, key=key)
        rig.post("/balance/withdraw", DEPOSIT, key=f"{key}-2")
        rig.patch("/auth/profile", {"first_name": "Al"}, key=f"{key}-3")
        rig.register()

    commands = [one for one in rig.fake.asked if hasattr(one, "command_id")]

    registered = [one.command_id for one in commands if isinstance(one, Register)]
    moved = [one.command_id for one in commands if isinstance(one, Deposit | Withdraw)]
    assert all(one.startswith("gateway-register:") for one in registered)
    assert all(one.startswith("gateway:") for one in moved)
    assert (len(registered), len(moved)) == (4, 6)
