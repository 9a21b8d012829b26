"""Money is exact in every currency, and its history has no gaps (P5, P6)."""

import asyncio
import random
from decimal import Decimal

import pytest

from contracts.events import Balances
from contracts.topics import BALANCES, DEPOSIT, WITHDRAW
from tests.e2e.caller import Caller, a_movement
from tests.e2e.trail import assert_in_order

pytestmark = pytest.mark.asyncio(loop_scope="module")

SETTINGS = {"assets": '{"BTC": 8}'}
SCALES = {"JPY": 0, "USD": 2, "KWD": 3, "BTC": 8}
MOVES = 30


def amounts(scale: int, seed: int) -> list[Decimal]:
    """Return amounts that floating point would get wrong: many decimals, many sizes."""
    draw = random.Random(seed)
    return [
        Decimal(draw.randrange(1, 10 ** draw.randrange(1, 13))).scaleb(-scale) for _ in range(MOVES)
    ]


@pytest.mark.parametrize(("currency", "scale"), SCALES.items())
async def test_sums_are_exact(caller: Caller, currency: str, scale: int) -> None:
    """P6."""
    username = await caller.a_user()
    put, taken = amounts(scale, 1), amounts(scale, 2)
    first = a_movement(username, f"{sum(taken):f}", currency)
    await caller.accepted(DEPOSIT, first)
    bodies = [
        *((DEPOSIT, a_movement(username, f"{amount:f}", currency)) for amount in put),
        *((WITHDRAW, a_movement(username, f"{amount:f}", currency)) for amount in taken),
    ]

    answers = await asyncio.gather(*(caller.accepted(topic, body) for topic, body in bodies))

    last = max((one.body["entry"] for one in answers), key=lambda entry: entry["sequence"])
    assert last["after"] == f"{sum(put):.{scale}f}"
    for answer, (_, body) in zip(answers, bodies, strict=True):
        entry = answer.body["entry"]
        assert Decimal(entry["amount"]) == Decimal(body["amount"])
        moved = abs(Decimal(entry["after"]) - Decimal(entry["before"]))
        assert moved == Decimal(body["amount"])
        assert all(len(entry[name].partition(".")[2]) == scale for name in ("amount", "after"))


async def test_currencies_of_one_account_share_a_sequence_and_nothing_else(
    caller: Caller,
) -> None:
    """P5: 1, 2, 3 … per account, whatever the currency; the state has all of them."""
    username = await caller.a_user()
    for number, currency in enumerate([*SCALES, *SCALES], start=1):
        await caller.deposit(username, str(number), currency)

    events = await caller.inbox.some("events.balance", username, 2 * len(SCALES))

    assert [event.body["sequence"] for event in events] == [*range(1, 2 * len(SCALES) + 1)]
    assert_in_order(events)
    state = Balances.model_validate_json(caller.inbox.messages(BALANCES, username)[-1].value)
    assert {one: balance.posted for one, balance in state.balances.items()} == {
        "JPY": "6",
        "USD": "8.00",
        "KWD": "10.000",
        "BTC": "12.00000000",
    }


async def test_the_largest_balance_is_exact_and_a_unit_more_is_refused(caller: Caller) -> None:
    """P6: 10^15 minor units, below 2^53."""
    username = await caller.a_user()
    await caller.deposit(username, "9999999999999.99")
    await caller.deposit(username, "0.01")

    refused = await caller.refused(DEPOSIT, a_movement(username, "0.01"))
    answer = await caller.withdraw(username, "10000000000000.00")

    assert refused == "balance_too_large"
    assert answer.body["entry"]["before"] == "10000000000000.00"
    assert answer.body["entry"]["after"] == "0.00"
