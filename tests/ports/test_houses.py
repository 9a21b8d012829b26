"""House rows: written with a lane's transaction or not at all."""

from collections.abc import Mapping

import pytest

from handlers.model.account import NOT_BOOKED, Account
from handlers.model.house import ROW_MINOR_MAX, HouseRow
from storage.memory.ledger import MemoryLedger
from storage.mongo.documents.houses import row_or_corrupt
from storage.mongo.ledger import MongoLedger
from storage.ports.errors import LostRaceError
from tests.builders import a_row, an_account, some_changes
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
