"""House rows: written with a lane's transaction or not at all."""

from collections.abc import Mapping

import pytest

from handlers.model.account import NOT_BOOKED, Account
from handlers.model.house import ROW_MINOR_MAX, HouseRow
from storage.memory.ledger import MemoryLedger
from storage.mongo.documents.houses import row_or_corrupt
from storage.mongo.ledger import MongoLedger
from storage.ports.errors import LostRaceError
from storage.ports.houses import Houses
from tests.builders import NOON, a_row, an_account, some_changes
from tests.ports.conftest import Store
from tests.ports.written import book, write


async def rows(store: Store) -> Mapping[str, HouseRow]:
    """Return every row by its id."""
    if isinstance(store.ledger, MemoryLedger):
        return dict(store.ledger.houses.items(store.ledger.commits))
    assert store.client is not None
    found = await store.client.page("houses", {}, {"_id": 1}, 100)
    read = {each["_id"]: row_or_corrupt(each) for each in found}
    return {name: row for name, row in read.items() if isinstance(row, HouseRow)}


async def test_a_row_is_what_its_writer_added(store: Store) -> None:
    await book(store.ledger, a_row())
    await book(store.ledger, a_row(sum_minor=300), a_row(house="opening", sum_minor=-7))
    await book(store.ledger, a_row("me:1", sum_minor=5))

    assert await rows(store) == {
        "me:0:external:USD:2": a_row(sum_minor=-700),
        "me:0:opening:USD:2": a_row(house="opening", sum_minor=-7),
        "me:1:external:USD:2": a_row("me:1", sum_minor=5),
    }


async def test_no_digit_is_lost_up_to_the_bound(store: Store) -> None:
    await book(store.ledger, a_row(sum_minor=ROW_MINOR_MAX))
    await book(store.ledger, a_row(sum_minor=-1))

    assert await rows(store) == {"me:0:external:USD:2": a_row(sum_minor=ROW_MINOR_MAX - 1)}


async def test_nothing_stays_of_a_transaction_that_is_left(store: Store) -> None:
    async with store.ledger.transaction() as transaction:
        await transaction.apply(some_changes(houses=[a_row()]))

    assert await rows(store) == {}


async def test_a_lost_race_books_nothing(store: Store) -> None:
    await write(store.ledger, accounts=[an_account()])
    stale = an_account(version=7)

    with pytest.raises(LostRaceError):
        await book(store.ledger, a_row(), accounts=[stale])

    assert await rows(store) == {}


@pytest.mark.parametrize("account", [an_account(), an_account(books=NOT_BOOKED)])
async def test_the_mark_comes_back(ledger: MongoLedger | MemoryLedger, account: Account) -> None:
    await write(ledger, accounts=[account])

    assert await ledger.account("alice") == account


class TestMerging:
    """Rows of writers that ended, or seem to have (P7)."""

    async def test_leaves_one_row_for_each_house_currency_and_scale(
        self, store: Store, houses: Houses
    ) -> None:
        some = [a_row("a:0", -5), a_row("b:1", 7), a_row("b:1", -3, "opening")]
        await book(store.ledger, *some, a_row("c:0", -1))

        await houses.merge(some, at=NOON)

        assert await rows(store) == {
            "merged:external:USD:2": a_row("merged", 2),
            "merged:opening:USD:2": a_row("merged", -3, "opening"),
            "c:0:external:USD:2": a_row("c:0", -1),
        }

    async def test_adds_to_what_was_merged_before(self, store: Store, houses: Houses) -> None:
        for each in ("a:0", "b:0"):
            await book(store.ledger, a_row(each, -5))
            await houses.merge([a_row(each, -5)], at=NOON)

        assert await rows(store) == {"merged:external:USD:2": a_row("merged", -10)}

    @pytest.mark.parametrize("read", [a_row("a:0", -4), a_row("b:0", -5)], ids=["other", "gone"])
    async def test_changes_nothing_where_a_row_is_not_as_it_was_read(
        self, store: Store, houses: Houses, read: HouseRow
    ) -> None:
        await book(store.ledger, a_row("a:0", -5))

        with pytest.raises(LostRaceError):
            await houses.merge([read], at=NOON)

        assert await rows(store) == {"a:0:external:USD:2": a_row("a:0", -5)}

    async def test_never_makes_a_row_past_its_bound(self, store: Store, houses: Houses) -> None:
        large = [a_row("a:0", ROW_MINOR_MAX), a_row("b:0", 1)]
        await book(store.ledger, *large)

        with pytest.raises(LostRaceError):
            await houses.merge(large, at=NOON)

        assert sorted(row.sum_minor for row in (await rows(store)).values()) == [1, ROW_MINOR_MAX]

    async def test_a_writer_that_comes_back_makes_its_row_anew(
        self, store: Store, houses: Houses
    ) -> None:
        await book(store.ledger, a_row("a:0", -5))
        await houses.merge([a_row("a:0", -5)], at=NOON)

        await book(store.ledger, a_row("a:0", -2))

        assert {name: row.sum_minor for name, row in (await rows(store)).items()} == {
            "merged:external:USD:2": -5,
            "a:0:external:USD:2": -2,
        }

    async def test_a_writer_stopped_before_it_wrote_loses_the_race(
        self, store: Store, houses: Houses
    ) -> None:
        """Its snapshot has the row still, and the row is gone."""
        await book(store.ledger, a_row("a:0", -5), accounts=[an_account()])

        async def come_back() -> None:
            async with store.ledger.transaction() as zombie:
                await zombie.accounts(["alice"])
                await houses.merge([a_row("a:0", -5)], at=NOON)
                await zombie.apply(some_changes(houses=[a_row("a:0", -2)]))
                await zombie.commit()

        with pytest.raises(LostRaceError):
            await come_back()

        assert await rows(store) == {"merged:external:USD:2": a_row("merged", -5)}

    async def test_a_writer_stopped_before_its_commit_wins_it(
        self, store: Store, houses: Houses
    ) -> None:
        await book(store.ledger, a_row("a:0", -5))
        async with store.ledger.transaction() as zombie:
            await zombie.apply(some_changes(houses=[a_row("a:0", -2)]))
            with pytest.raises(LostRaceError):
                await houses.merge([a_row("a:0", -5)], at=NOON)
            await zombie.commit()

        assert await rows(store) == {"a:0:external:USD:2": a_row("a:0", -7)}
