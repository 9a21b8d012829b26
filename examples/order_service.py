"""Take orders that are paid from an account: check the balance, accept, and withdraw, once each.

    python examples/order_service.py 127.0.0.1:9092 alice order-1 25.00 USD
    python examples/order_service.py 127.0.0.1:9092 alice order-1 25.00 USD --paying

The second form goes on with an order whose payment may have been sent. Needs the light install of
this project only: the packages `client` and `contracts`.
"""

import argparse
import asyncio
from contextlib import suppress
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from typing import Protocol, Unpack

from pydantic import ValidationError

from client import AccountsClient, OutcomeUnknownError, RefusedError, fresh_command_id
from client.asking import SentWith
from contracts.commands import AnyCommand
from contracts.ledger import Withdraw
from contracts.queries import GetBalance
from contracts.replies import Reply
from contracts.requests import AnyRequest
from contracts.results import Result

TRIES_MAX = 3
"""How often the same payment is sent before somebody has to look."""


class State(StrEnum):
    """What an order service stores of an order, each before the next step is taken."""

    NEW = "new"
    PAYING = "paying"
    ACCEPTED = "accepted"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Something that costs money."""

    order_id: str
    username: str
    total: str
    currency: str
    state: State = State.NEW
    why: str = ""


class Accounts(Protocol):
    """The part of `AccountsClient` that is needed here."""

    async def ask(
        self, command: AnyCommand, timeout_s: float = ..., **added: Unpack[SentWith]
    ) -> Result:
        """Send a command and return its result."""
        ...

    async def request(
        self, request: AnyRequest, timeout_s: float = ..., **added: Unpack[SentWith]
    ) -> Reply:
        """Send a request and return its reply."""
        ...


async def place(accounts: Accounts, order: Order) -> Order:
    """Take *order* as far as it goes; give it back to go on after a crash or a time-out.

    Raises:
        RefusedError: The balance cannot be asked for.
        OutcomeUnknownError: No answer. While the order is new nothing was sent; else it is paying.
    """
    if order.state is State.NEW:
        # A check before the order is accepted. It reserves nothing: the withdrawal decides.
        available = await _available(accounts, order)
        if available < Decimal(order.total):
            return replace(order, state=State.REFUSED, why=f"has {available}, needs {order.total}")
        # To be stored before anything is sent: from here on the balance is not asked again, for
        # the money may be gone because this very order took it.
        order = replace(order, state=State.PAYING)
    if order.state is State.PAYING:
        return await _paid(accounts, order)
    return order


def payment(order: Order) -> Withdraw:
    """Return the withdrawal that pays *order*: the same one, under the same id, every time."""
    return Withdraw(
        command_id=f"order:{order.order_id}",
        username=order.username,
        amount=order.total,
        currency=order.currency,
        related_id=order.order_id,
    )


async def _available(accounts: Accounts, order: Order) -> Decimal:
    question = GetBalance(
        request_id=fresh_command_id(), username=order.username, currency=order.currency
    )
    reply = await accounts.request(question)
    if reply.error is not None:
        raise RefusedError(reply, reply.error)
    held = reply.balances.balances if reply.balances else {}
    return Decimal(held[order.currency].available) if order.currency in held else Decimal(0)


async def _paid(accounts: Accounts, order: Order) -> Order:
    result = await _decided(accounts, payment(order))
    if result.error is not None:
        return replace(order, state=State.REFUSED, why=result.error.detail)
    return replace(order, state=State.ACCEPTED)


async def _decided(accounts: Accounts, withdrawal: Withdraw) -> Result:
    for _ in range(TRIES_MAX - 1):
        # It may have been done or not, and asking the same again is the way to find out.
        with suppress(OutcomeUnknownError):
            return await accounts.ask(withdrawal)
    return await accounts.ask(withdrawal)


async def tell(bootstrap: str, order: Order) -> None:
    """Place *order* and print what became of it."""
    print(f"{order.order_id}: {order.username} orders for {order.total} {order.currency}")
    async with AccountsClient(bootstrap) as accounts:
        try:
            placed = await place(accounts, order)
        except RefusedError as error:
            print(f"{order.order_id}: {error.error.code}: {error.error.detail}")
        except OutcomeUnknownError as error:
            again = " with --paying" if isinstance(error.asked, Withdraw) else ""
            print(f"{order.order_id}: nobody answers; run the same again{again}")
        else:
            because = f": {placed.why}" if placed.why else ""
            print(f"{placed.order_id}: {placed.state}{because}")


def main() -> None:
    """Read the order from the command line."""
    parser = argparse.ArgumentParser(description="Place one order.")
    for name in ("bootstrap", "username", "order_id", "total", "currency"):
        parser.add_argument(name)
    parser.add_argument("--paying", action="store_true", help="its payment may have been sent")
    said = parser.parse_args()
    order = Order(
        order_id=said.order_id,
        username=said.username,
        total=said.total,
        currency=said.currency,
        state=State.PAYING if said.paying else State.NEW,
    )
    try:
        payment(order)
    except ValidationError as error:
        parser.error("; ".join(f"{one['loc'][0]}: {one['msg']}" for one in error.errors()))
    asyncio.run(tell(said.bootstrap, order))


if __name__ == "__main__":
    main()
