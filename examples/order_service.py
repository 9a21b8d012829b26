"""Take orders that are paid from an account: check the balance, accept, and withdraw, once each.

    python examples/order_service.py 127.0.0.1:9092 /tmp/orders.json alice order-1 25.00 USD

What became of each order is kept in the file named; after a crash or a time-out, run the same
again: it goes on where it stopped.

Needs `accounts-client` only. There, `client` is called `accounts_client`, and `contracts`
`accounts_client.contracts`.
"""

import argparse
import asyncio
import fcntl
import os
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Protocol, TypeAlias, Unpack

from pydantic import TypeAdapter, ValidationError

from client import (
    AccountsClient,
    AccountsClientError,
    OutcomeUnknownError,
    RefusedError,
    fresh_command_id,
)
from client.asking import SentWith
from contracts.codes import known_code
from contracts.commands import AnyCommand
from contracts.ledger import Withdraw
from contracts.queries import GetBalance
from contracts.replies import Reply
from contracts.requests import AnyRequest
from contracts.results import Error, Result

TRIES_MAX = 3
"""How often the same payment is sent before somebody has to look."""

ID_PREFIX = "order:"
"""Begins the command ids of this service. All who send for the same users share one space of ids:
each has a prefix of its own, and none lets its callers choose ids outside of it."""


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


Store: TypeAlias = Callable[[Order], Awaitable[None]]
"""Keeps an order safely: once it returns, no crash loses the order's new state."""


class NotDecidedError(Exception):
    """The service answered without deciding: the money did not move, and the order is still paying."""

    def __init__(self, error: Error) -> None:
        self.error = error
        super().__init__(f"{error.code}: {error.detail}")


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


async def place(accounts: Accounts, order: Order, store: Store) -> Order:
    """Take *order* as far as it goes; give what was stored last to go on after any error or crash.

    Raises:
        RefusedError: The balance cannot be asked for. Nothing was stored or sent.
        NotDecidedError: The payment can neither be made nor refused now.
        AccountsClientError: No answer. A new order has sent nothing; one that pays may have.
    """
    if order.state is State.NEW:
        # A check before the order is accepted. It reserves nothing: the withdrawal decides.
        available = await _available(accounts, order)
        if available < Decimal(order.total):
            why = f"has {available:f}, needs {order.total}"
            return await _stored(replace(order, state=State.REFUSED, why=why), store)
        # Before anything is sent: from here on the balance is not asked again, for the money may
        # be gone because this very order took it.
        order = await _stored(replace(order, state=State.PAYING), store)
    if order.state is State.PAYING:
        return await _stored(await _paid(accounts, order), store)
    return order


def payment(order: Order) -> Withdraw:
    """Return the withdrawal that pays *order*: the same one, under the same id, every time."""
    return Withdraw(
        command_id=ID_PREFIX + order.order_id,
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
    if reply.is_undecided:
        raise OutcomeUnknownError(question, f"the status {reply.status}")
    held = reply.balances.balances if reply.balances else {}
    return Decimal(held[order.currency].available) if order.currency in held else Decimal(0)


async def _stored(order: Order, store: Store) -> Order:
    await store(order)
    return order


async def _paid(accounts: Accounts, order: Order) -> Order:
    result = await _answered(accounts, payment(order))
    if result.is_undecided:
        raise OutcomeUnknownError(payment(order), f"the status {result.status}")
    if result.error is None:
        return replace(order, state=State.ACCEPTED)
    code = known_code(result.error.code)
    if code is not None and not code.info.recorded:
        # No decision: the same payment may still be accepted, so the order is not refused.
        raise NotDecidedError(result.error)
    return replace(order, state=State.REFUSED, why=result.error.detail)


async def _answered(accounts: Accounts, withdrawal: Withdraw) -> Result:
    unknown: OutcomeUnknownError | None = None
    for _ in range(TRIES_MAX):
        try:
            return await accounts.ask(withdrawal)
        except OutcomeUnknownError as error:
            # It may have been done or not, and asking the same again is the way to find out.
            unknown = unknown or error
        except AccountsClientError:
            # This time nothing was sent. Where it was before, that is what there is to know.
            if unknown is None:
                raise
    assert unknown is not None
    raise unknown


class OrdersError(Exception):
    """The file of orders says something else, or nothing that can be read."""


class Orders:
    """All orders, in one file; a database in a real service."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._known = TypeAdapter(dict[str, Order])

    @contextmanager
    def locked(self) -> Generator[None]:
        """Keep other processes away: two that place one order must not store over each other."""
        with self._beside("lock").open("w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def known(self, order: Order) -> Order:
        """Return *order* as it was stored last, or as it is where it is new.

        Raises:
            OrdersError: Another order has this id, or the file is broken.
        """
        found = self._read().get(order.order_id, order)
        if payment(found) != payment(order):
            raise OrdersError(f"{order.order_id} is known as another order; choose a new id")
        return found

    async def store(self, order: Order) -> None:
        """Write the file, whole or not at all: a crash leaves the one before."""
        content = self._known.dump_json({**self._read(), order.order_id: order}, indent=2)
        draft = self._beside("new")
        with draft.open("wb") as opened:
            opened.write(content)
            opened.flush()
            os.fsync(opened.fileno())
        draft.replace(self._file)
        folder = os.open(self._file.parent, os.O_RDONLY)
        try:
            os.fsync(folder)  # The new name too, or a power failure would bring back the old file.
        finally:
            os.close(folder)

    def _read(self) -> dict[str, Order]:
        try:
            return self._known.validate_json(self._file.read_bytes())
        except FileNotFoundError:
            return {}
        except ValidationError as error:
            # Never taken for empty: orders that may be paid would be new again.
            raise OrdersError(f"{self._file} holds no orders; restore it") from error

    def _beside(self, ending: str) -> Path:
        return self._file.with_name(f"{self._file.name}.{ending}")


async def go_on(accounts: Accounts, order: Order, orders: Orders) -> Order:
    """Place *order*, or go on with it where it stopped.

    Raises:
        OrdersError: The file of orders does not allow it.
        Exception: As `place`.
    """
    with orders.locked():
        return await place(accounts, orders.known(order), orders.store)


async def tell(bootstrap: str, order: Order, orders: Orders) -> None:
    """Place *order* and print what became of it."""
    print(f"{order.order_id}: {order.username} orders for {order.total} {order.currency}")
    async with AccountsClient(bootstrap) as accounts:
        try:
            placed = await go_on(accounts, order, orders)
        except (OrdersError, RefusedError) as error:
            print(f"{order.order_id}: {error}")
        except (AccountsClientError, NotDecidedError) as error:
            print(f"{order.order_id}: {error}; run the same again")
        else:
            because = f": {placed.why}" if placed.why else ""
            print(f"{placed.order_id}: {placed.state}{because}")


def main() -> None:
    """Read the order from the command line."""
    parser = argparse.ArgumentParser(description="Place one order, or go on with it.")
    parser.add_argument("bootstrap")
    parser.add_argument("orders", type=Path, help="the file that keeps what became of each")
    for name in ("username", "order_id", "total", "currency"):
        parser.add_argument(name)
    said = parser.parse_args()
    order = Order(
        order_id=said.order_id, username=said.username, total=said.total, currency=said.currency
    )
    try:
        payment(order)
    except ValidationError as error:
        parser.error("; ".join(f"{one['loc'][0]}: {one['msg']}" for one in error.errors()))
    asyncio.run(tell(said.bootstrap, order, Orders(said.orders)))


if __name__ == "__main__":
    main()
