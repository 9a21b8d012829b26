"""The order service says every amount in all its decimals, however small."""

from typing import Unpack

from client.asking import SentWith
from contracts.events import BalanceState
from contracts.replies import Reply
from contracts.requests import AnyRequest
from examples.order_service import Order, place
from tests.gateway.fake_accounts import FakeAccounts
from tests.gateway.known import an_account

WEI = "0.000000000000000001"
NOTHING = "0.000000000000000000"


class WithOneWei(FakeAccounts):
    """Holds the smallest amount there is."""

    async def request(
        self, request: AnyRequest, timeout_s: float = 0, **added: Unpack[SentWith]
    ) -> Reply:
        reply = await super().request(request, timeout_s, **added)
        assert reply.balances is not None
        held = {"ETH": BalanceState(posted=WEI, held=NOTHING, available=WEI)}
        balances = reply.balances.model_copy(update={"balances": held})
        return reply.model_copy(update={"balances": balances})


async def kept_nowhere(_order: Order) -> None:
    """Store nothing: what the order comes to is looked at instead."""


async def test_what_there_is_and_what_is_needed_are_written_out() -> None:
    fake = WithOneWei()
    fake.accounts["alice"] = an_account()

    for total in ("10000000000.000000000000000001", "0.000000000000000002"):
        order = Order(order_id="7", username="alice", total=total, currency="ETH")
        refused = await place(fake, order, kept_nowhere)

        assert refused.why == f"has {WEI}, needs {total}"
