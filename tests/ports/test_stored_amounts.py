"""P6, P10: amounts as they stand in MongoDB, and what somebody may have put in their place."""

from collections.abc import Mapping

import pytest
from bson import Decimal128, Int64

from contracts.money import AMOUNT_MINOR_MAX
from handlers.model.corrupt import CorruptDocument
from storage.mongo.client import DURABLE, MongoClient, MongoOptions
from storage.mongo.documents.accounts import Document
from storage.mongo.repairs import MongoRepairs
from tests.builders import an_account
from tests.ports.amounts import LARGE, holding, moves
from tests.ports.conftest import Store
from tests.ports.simulated import ON_MONGODB, options_of
from tests.ports.written import write

NO_MONEY: Mapping[str, object] = {
    "a fraction": Decimal128("1.5"),
    "decimals": Decimal128("9223372036854775808.00"),
    "an exponent": Decimal128("1E+28"),
    "not a number": Decimal128("NaN"),
    "infinity": Decimal128("Infinity"),
    "negative": Decimal128("-9223372036854775808"),
    "one too many": Decimal128(str(AMOUNT_MINOR_MAX + 1)),
    "all digits": Decimal128("9" * 34),
    "a double": float(2**63),
}


@pytest.fixture(params=ON_MONGODB)
def options(request: pytest.FixtureRequest) -> MongoOptions:
    """Return where MongoDB is."""
    return options_of(request)


async def put(client: MongoClient, collection: str, place: str, value: object) -> None:
    identifier = "alice" if collection == "accounts" else moves(LARGE)[0].id
    update: Document = {"q": {"_id": identifier}, "u": {"$set": {place: value}}}
    await client.run({"update": collection, "updates": [update], "writeConcern": DURABLE})


async def test_integers_stay_integers_while_they_fit(store: Store, client: MongoClient) -> None:
    await write(store.ledger, accounts=[holding(LARGE, held_minor=LARGE - 1)])
    await write(store.ledger, outcomes=moves(LARGE))

    typed = {
        place: (await client.page("accounts", {place: {"$type": kind}}, {"_id": 1}, 1)) != []
        for place, kind in (
            ("balances.0.posted_minor", "int"),
            ("balances.1.posted_minor", "decimal"),
            ("balances.1.held_minor", "long"),
        )
    }
    above = {"entry.after_minor": {"$gte": LARGE - 1}}
    found = await client.page("outcomes", above, {"sequence": 1}, 5)

    assert all(typed.values()), typed
    assert [type(each["entry"]["after_minor"]) for each in found] == [Decimal128, Int64]


async def test_a_decimal_that_would_fit_an_integer_is_read_as_well(
    store: Store, client: MongoClient
) -> None:
    """Another program, or the server's own arithmetic, may have made it of one."""
    account, outcomes = holding(1000), moves(1000)
    await write(store.ledger, accounts=[account], outcomes=outcomes)

    for place in ("balances.0.held_minor", "balances.1.posted_minor"):
        await put(client, "accounts", place, Decimal128("0" if "held" in place else "1000"))
    await put(client, "outcomes", "entry.after_minor", Decimal128("1000"))

    assert await store.ledger.account("alice") == account
    assert (await MongoRepairs(client).find("alice")).remains.balances == account.balances
    assert [each async for each in store.ledger.history()] == outcomes


@pytest.mark.parametrize("value", NO_MONEY.values(), ids=NO_MONEY)
@pytest.mark.parametrize("place", ["posted_minor", "held_minor"])
async def test_a_balance_that_is_no_money_costs_its_own_user_only(
    store: Store, client: MongoClient, *, place: str, value: object
) -> None:
    bob = an_account("bob", balances=holding(LARGE).balances)
    await write(store.ledger, accounts=[holding(LARGE, held_minor=LARGE), bob])

    await put(client, "accounts", f"balances.1.{place}", value)

    corrupt = CorruptDocument(
        collection="accounts", id="alice", username="alice", field=f"balances.1.{place}"
    )
    async with store.ledger.transaction() as transaction:
        found = await transaction.accounts(["alice", "bob"])
    assert found == {"alice": corrupt, "bob": bob}
    assert await store.ledger.page(after="", limit=5) == [corrupt, bob]
    remains = (await MongoRepairs(client).find("alice")).remains
    assert (remains.balances, remains.damaged) == (None, frozenset({"balances"}))


@pytest.mark.parametrize("value", NO_MONEY.values(), ids=NO_MONEY)
@pytest.mark.parametrize("place", ["amount", "before", "after", "held"])
async def test_an_entry_that_is_no_money_is_the_one_that_is_named(
    store: Store, client: MongoClient, *, place: str, value: object
) -> None:
    outcomes = moves(LARGE)
    await write(store.ledger, outcomes=outcomes)

    await put(client, "outcomes", f"entry.{place}_minor", value)

    [first, second] = [each async for each in store.ledger.history()]
    assert first == CorruptDocument(
        collection="outcomes",
        id=outcomes[0].id,
        username="alice",
        field=f"entry.{place}_minor",
    )
    assert second == outcomes[1]
