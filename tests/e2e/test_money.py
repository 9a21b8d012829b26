"""Money is exact in every currency, and its history has no gaps (P5, P6)."""

import asyncio
import json
import random
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest
import pytest_asyncio
from bson import Decimal128

from client.accounts import AccountsClient
from contracts.events import Balances
from contracts.queries import ListTransactions
from contracts.topics import BALANCES, DEPOSIT, WITHDRAW
from tests.e2e.caller import Caller, a_movement, an_id
from tests.e2e.cli_process import Program
from tests.e2e.entries import before, moved, posted
from tests.e2e.running import RunningService
from tests.e2e.trail import assert_in_order

pytestmark = pytest.mark.asyncio(loop_scope="module")

SETTINGS = {"assets": '{"BTC": 8, "ETH": 18}'}
SCALES = {"JPY": 0, "USD": 2, "KWD": 3, "BTC": 8, "ETH": 18}
MOVES = 30
NO_WEI = "0.000000000000000000"
WEI = "0.000000000000000001"
TWO_WEI = "0.000000000000000002"
FULL = "10000000000.000000000000000000"
"""The largest balance there is: ten billion coins, 10^28 wei."""
ALMOST = "9999999999.999999999999999999"


@pytest.fixture(scope="module")
def program(service: RunningService) -> Program:
    return Program(service.folder, service.environ)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(service: RunningService) -> AsyncIterator[AccountsClient]:
    async with AccountsClient(service.addresses.kafka, topic_prefix=service.prefix) as client:
        yield client


async def ran(program: Program, *arguments: str) -> Any:
    """Return what a command says in JSON."""
    ended = await asyncio.to_thread(program.run, *arguments, "--output", "json")
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


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
    assert posted(last, currency) == f"{sum(put):.{scale}f}"
    for answer, (_, body) in zip(answers, bodies, strict=True):
        entry = answer.body["entry"]
        assert abs(Decimal(moved(entry))) == Decimal(body["amount"])
        shown = (moved(entry), posted(entry, currency))
        assert all(len(amount.partition(".")[2]) == scale for amount in shown)


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
        "JPY": "7",
        "USD": "9.00",
        "KWD": "11.000",
        "BTC": "13.00000000",
        "ETH": "15.000000000000000000",
    }


async def test_the_largest_balance_is_exact_and_a_unit_more_is_refused(caller: Caller) -> None:
    """P6: 10^28 minor units."""
    username = await caller.a_user()
    await caller.deposit(username, ALMOST, "ETH")

    two_more = await caller.refused(DEPOSIT, a_movement(username, TWO_WEI, "ETH"))
    full = await caller.deposit(username, WEI, "ETH")
    one_more = await caller.refused(DEPOSIT, a_movement(username, WEI, "ETH"))
    too_large = await caller.refused(DEPOSIT, a_movement(username, f"{FULL[:-1]}1", "ETH"))
    emptied = await caller.withdraw(username, FULL, "ETH")

    assert (two_more, one_more) == ("balance_too_large", "balance_too_large")
    assert too_large == "amount_too_large"
    assert posted(full.body["entry"], "ETH") == FULL
    assert (moved(emptied.body["entry"]), posted(emptied.body["entry"], "ETH")) == (
        f"-{FULL}",
        NO_WEI,
    )


async def test_one_wei_of_ten_billion_coins_is_seen_by_whoever_looks(
    caller: Caller, client: AccountsClient, program: Program
) -> None:
    """P6."""
    username = await caller.a_user()
    await caller.deposit(username, FULL, "ETH")
    taken = await caller.withdraw(username, WEI, "ETH")

    events = await caller.inbox.some("events.balance", username, 2)
    question = ListTransactions(request_id=an_id(), username=username, limit=1)
    page = (await client.request(question)).page
    shown = await ran(program, "balance", username)
    verified = await ran(program, "verify", "--user", username, "--topic", "--live")

    assert_in_order(events)
    assert page is not None
    for said in (taken.body["entry"], events[-1].body, page.transactions[0].model_dump()):
        assert (moved(said), before(said, "ETH")) == (f"-{WEI}", FULL)
        assert said["balances"]["ETH"]["available"] == ALMOST
    eth = {"posted": ALMOST, "held": NO_WEI, "overdraft": NO_WEI, "available": ALMOST}
    balances = {"ETH": eth}
    assert shown["balances"]["balances"] == balances
    state = Balances.model_validate_json(caller.inbox.messages(BALANCES, username)[-1].value)
    assert state.model_dump()["balances"] == balances
    assert verified["verified"]


async def test_a_repair_adds_up_again_what_no_integer_of_the_database_holds(
    service: RunningService, caller: Caller, program: Program
) -> None:
    """P6."""
    username = await caller.a_user()
    await caller.deposit(username, ALMOST, "ETH")
    with service.mongodb() as database:
        spoilt = {"$set": {"balances.0.posted_minor": Decimal128("9.5")}}
        database.accounts.update_one({"_id": username}, spoilt)
    assert await caller.refused(DEPOSIT, a_movement(username, WEI, "ETH")) == "account_unreadable"

    repaired = await ran(program, "repair", username, "--yes", "--actor", "an operator")
    again = await caller.deposit(username, WEI, "ETH")

    assert repaired["findings"][0] == f"balances: unreadable → {ALMOST} ETH"
    assert posted(again.body["entry"], "ETH") == FULL
    assert (await ran(program, "verify", "--user", username, "--topic", "--live"))["verified"]
