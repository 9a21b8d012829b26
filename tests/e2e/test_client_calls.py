"""The client's calls with plain arguments, against the service."""

from decimal import Decimal

import pytest

from client import AccountsClient, InsufficientFundsError, UnknownAccountError, UsernameTakenError
from tests.e2e.caller import a_name
from tests.e2e.running import RunningService

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_from_opening_to_the_history(service: RunningService) -> None:
    username = f"shop|{a_name()}"
    async with AccountsClient(service.addresses.kafka, topic_prefix=service.prefix) as accounts:
        with pytest.raises(UnknownAccountError):
            await accounts.balance(username, "USD")
        opened = await accounts.open(username, first_name="Alice")
        with pytest.raises(UsernameTakenError):
            await accounts.open(username)
        await accounts.deposit(username, Decimal("10.50"), "USD", reason="a gift")
        taken = await accounts.withdraw(username, "4.25", "USD")
        with pytest.raises(InsufficientFundsError, match="available"):
            await accounts.withdraw(username, "6.26", "USD")
        held = await accounts.balances(username)
        history = [one async for one in accounts.transactions(username, order="oldest")]

    assert opened.account_id == held.account_id
    assert taken.entry is not None
    assert taken.entry.balances["USD"].posted == "6.25"
    assert {currency: one.available for currency, one in held.balances.items()} == {"USD": "6.25"}
    assert [(one.kind, one.moved[0].amount, one.reason) for one in history] == [
        ("deposited", "10.50", "a gift"),
        ("withdrawn", "-4.25", None),
    ]
    assert history[1].previous_hash == history[0].hash
    assert history[1] == taken.entry


async def test_the_same_id_is_the_same_deposit(service: RunningService) -> None:
    username = a_name()
    async with AccountsClient(service.addresses.kafka, topic_prefix=service.prefix) as accounts:
        await accounts.open(username)
        first = await accounts.deposit(username, "1.00", "USD", command_id="invoice-7")
        again = await accounts.deposit(username, "1.00", "USD", command_id="invoice-7")
        held = await accounts.balance(username, "USD")

    assert (first.duplicate, again.duplicate) == (False, True)
    assert again.entry == first.entry
    assert held.available == "1.00"
