"""Both sides of the books, read as of one moment and without rounding."""

from typing import Any

import pytest
from bson.decimal128 import Decimal128
from msgspec.structs import replace

from handlers.history.trial_balance import Totals
from handlers.model.account import BOOKED, NOT_BOOKED, Balance
from handlers.model.corrupt import CorruptDocument
from handlers.model.house import ROW_MINOR_MAX
from storage.mongo import houses as mongo_houses
from storage.mongo.client import MongoClient
from storage.ports.errors import LostRaceError, NotMeasuredError
from storage.ports.houses import Houses, TakenIn
from tests.builders import NOON, a_row, an_account, some_changes
from tests.ports.conftest import Store
from tests.ports.fail_points import failing
from tests.ports.written import book

ON_MONGODB = pytest.mark.parametrize(
    "options", ["simulated", pytest.param("pymongo", marks=pytest.mark.mongo)], indirect=True
)


async def insert(client: MongoClient, **accounts: Any) -> None:
    """Store documents with these balances, such as no release of ours would write."""
    documents: list[Any] = [
        {"_id": name, "books": 2, "balances": balances} for name, balances in accounts.items()
    ]
    await client.run({"insert": "accounts", "documents": documents})


def usd(posted_minor: object, scale: object = 2) -> list[dict[str, object]]:
    return [{"currency": "USD", "scale": scale, "posted_minor": posted_minor, "held_minor": 0}]


async def test_nothing_is_nothing(houses: Houses) -> None:
    assert await houses.totals() == Totals(
        users_minor={}, houses_minor={}, accounts=0, not_booked=0, unreadable=0, corrupt=[]
    )


async def test_each_side_by_currency_and_scale(store: Store, houses: Houses) -> None:
    balances = {"USD": Balance(posted_minor=5, scale=2), "JPY": Balance(posted_minor=7, scale=0)}
    accounts = [
        an_account("alice", posted_minor=1000),
        an_account("bobby", balances=balances),
        an_account("carol", balances={"USD": Balance(posted_minor=3, scale=3)}),
        an_account("david", posted_minor=50, books=NOT_BOOKED),
    ]
    await book(store.ledger, a_row(), a_row("me:1", -5), a_row(house="opening"), accounts=accounts)

    assert await houses.totals() == Totals(
        users_minor={("USD", 2): 1005, ("JPY", 0): 7, ("USD", 3): 3},
        houses_minor={("external", "USD", 2): -1005, ("opening", "USD", 2): -1000},
        accounts=3,
        not_booked=1,
        unreadable=0,
        corrupt=[],
    )


async def test_rows_come_in_pages(store: Store, houses: Houses) -> None:
    rows = [a_row(f"me:{number}") for number in range(3)]
    await book(store.ledger, *rows)

    first = await houses.page(after="", limit=2)

    assert first == rows[:2]
    assert await houses.page(after=first[-1].id, limit=2) == rows[2:]


async def test_old_accounts_are_taken_in_with_what_they_hold(store: Store, houses: Houses) -> None:
    old = [an_account(name, posted_minor=100, books=NOT_BOOKED) for name in ("alice", "carol")]
    booked = an_account("bobby", posted_minor=5)
    await book(store.ledger, a_row(sum_minor=-5), accounts=[*old, booked])

    first = await houses.take_in(after="", limit=2, at=NOON)
    second = await houses.take_in(after=first.last or "", limit=2, at=NOON)

    assert (first, second) == (TakenIn(accounts=1, last="bobby"), TakenIn(accounts=1, last=None))
    assert await store.ledger.account("alice") == replace(old[0], books=BOOKED, version=2)
    assert await store.ledger.account("bobby") == booked
    found = await houses.totals()
    assert (found.not_booked, found.accounts) == (0, 3)
    assert found.houses_minor == {("external", "USD", 2): -5, ("opening", "USD", 2): -200}
    assert await houses.take_in(after="", limit=9, at=NOON) == TakenIn(accounts=0, last=None)


async def test_whoever_read_an_old_account_before_it_was_taken_in_loses(
    store: Store, houses: Houses
) -> None:
    old = an_account(posted_minor=100, books=NOT_BOOKED)
    await book(store.ledger, accounts=[old])

    async def write_late() -> None:
        async with store.ledger.transaction() as worker:
            assert await worker.accounts(["alice"]) == {"alice": old}
            await houses.take_in(after="", limit=9, at=NOON)
            changed = replace(old, version=2, books=BOOKED)
            await worker.apply(
                some_changes(accounts=[changed], houses=[a_row(house="opening", sum_minor=-100)])
            )
            await worker.commit()

    with pytest.raises(LostRaceError):
        await write_late()

    assert (await houses.totals()).houses_minor == {("opening", "USD", 2): -100}


async def test_what_is_counted_of_one_account(store: Store, houses: Houses) -> None:
    old = an_account("bobby", posted_minor=7, books=NOT_BOOKED)
    await book(store.ledger, accounts=[an_account(posted_minor=5), old])

    assert await houses.counted("alice") == {("USD", 2): 5}
    assert await houses.counted("bobby") == {}
    assert await houses.counted("nobody") == {}


@ON_MONGODB
class TestMongoDB:
    async def test_no_digit_is_lost_where_a_sum_of_numbers_would_lose_some(
        self, client: MongoClient, houses: Houses
    ) -> None:
        most = 2**63 - 1
        await insert(client, a=usd(most), b=usd(most), c=usd(most), d=usd(-1))

        assert (await houses.totals()).users_minor == {("USD", 2): 3 * most - 1}

    async def test_no_digit_is_lost_of_the_largest_amounts(
        self, client: MongoClient, houses: Houses
    ) -> None:
        """Together they have one digit more than a decimal of MongoDB's."""
        nines = 10**30 - 1
        await insert(client, **{f"u{n}": usd(Decimal128(str(nines))) * 150 for n in range(80)})

        assert (await houses.totals()).users_minor == {("USD", 2): 12_000 * nines}

    @pytest.mark.parametrize(
        "balances",
        [
            None,
            "none",
            usd("100"),
            usd(100.0),
            usd(None),
            usd(Decimal128("1.5")),
            usd(Decimal128("NaN")),
            usd(Decimal128("Infinity")),
            usd(Decimal128("1E+31")),
            usd(100, "2"),
            usd(100, 2**40),
            usd(100, -1),
            [*usd(100), {"currency": 5, "scale": 2, "posted_minor": 1}],
            ["USD"],
        ],
        ids=str,
    )
    async def test_what_cannot_be_counted_is_said(
        self, client: MongoClient, houses: Houses, balances: object
    ) -> None:
        await insert(client, good=usd(1), bad=balances)

        found = await houses.totals()

        assert (found.users_minor, found.accounts, found.unreadable) == ({("USD", 2): 1}, 1, 1)

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("sum", 5),
            ("sum", Decimal128("0.5")),
            ("sum", Decimal128("NaN")),
            ("sum", Decimal128("1E+34")),
            ("sum", Decimal128(str(ROW_MINOR_MAX + 1))),
            ("sum", Decimal128(str(-ROW_MINOR_MAX - 1))),
            ("currency", "EUR"),
            ("scale", -1),
            ("house", None),
            ("writer", "other:0"),
            ("changed_at", "today"),
        ],
    )
    async def test_a_row_that_cannot_be_understood_is_named(
        self, store: Store, client: MongoClient, houses: Houses, field: str, value: object
    ) -> None:
        await book(store.ledger, a_row(), a_row("me:1"))
        update: Any = {"q": {"_id": "me:0:external:USD:2"}, "u": {"$set": {field: value}}}
        await client.run({"update": "houses", "updates": [update]})

        found = await houses.totals()

        assert found.houses_minor == {("external", "USD", 2): -1000}
        [corrupt] = found.corrupt
        assert (corrupt.collection, corrupt.id) == ("houses", "me:0:external:USD:2")
        assert corrupt.username == ("" if field == "house" else "house:external")
        assert [
            isinstance(row, CorruptDocument) for row in await houses.page(after="", limit=9)
        ] == [
            True,
            False,
        ]

    async def test_all_pages_are_of_one_moment(
        self, client: MongoClient, houses: Houses, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Each read is followed by a deposit that the next one must not see."""
        monkeypatch.setattr(mongo_houses, "PAGE_ACCOUNTS", 1)
        await insert(client, a=usd(1), b=usd(1), c=usd(1))
        run, raised = client.run, 0

        async def raising(command: Any, **more: Any) -> Any:
            nonlocal raised
            reply = await run(command, **more)
            update: Any = {"q": {}, "u": {"$inc": {"balances.0.posted_minor": 1}}, "multi": True}
            raised += (await run({"update": "accounts", "updates": [update]}))["nModified"]
            return reply

        monkeypatch.setattr(client, "run", raising)

        assert (await houses.totals()).users_minor == {("USD", 2): 3}
        assert raised > 3 * 3, "it was not read in pages"


@pytest.mark.parametrize(
    "options", [pytest.param("pymongo", marks=pytest.mark.mongo)], indirect=True
)
@pytest.mark.parametrize("code", [239, 246])
async def test_a_moment_that_is_not_kept_is_not_measured(
    client: MongoClient, houses: Houses, code: int
) -> None:
    await insert(client, a=usd(1))

    with (
        failing(client.options.uri, "aggregate", {"errorCode": code}, times=1) as struck,
        pytest.raises(NotMeasuredError, match="minSnapshotHistoryWindowInSeconds"),
    ):
        await houses.totals()

    assert struck.count == 1
