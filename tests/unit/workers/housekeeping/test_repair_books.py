"""What a repair books: what the books had agreed with decides (P13)."""

import pytest

from handlers.history.trial_balance import unbalanced
from handlers.model.account import NOT_BOOKED, Balance
from storage.memory.houses import MemoryHouses
from tests.builders import a_row
from tests.unit.workers.housekeeping.repairs_in_memory import Workshop

RAISED = {"USD": Balance(posted_minor=1_000_000, scale=2)}


@pytest.fixture
def shop() -> Workshop:
    return Workshop()


async def balanced(shop: Workshop) -> bool:
    return not unbalanced(await MemoryHouses(shop.ledger).totals())


async def test_a_balance_raised_on_the_books_is_taken_back_and_nothing_booked(
    shop: Workshop,
) -> None:
    shop.by_hand(balances=RAISED)
    assert not await balanced(shop)

    diagnosis = await shop.repair()

    assert diagnosis.booked == []
    assert await balanced(shop)


async def test_a_balance_raised_before_it_was_taken_in_is_booked_as_an_adjustment(
    shop: Workshop,
) -> None:
    shop.by_hand(balances=RAISED)
    await shop.write(houses=[a_row("housekeeper:0", 3000 - 1_000_000, "opening")])
    assert await balanced(shop)

    diagnosis = await shop.repair()

    assert await balanced(shop)
    [done] = shop.repairs.repairs.values()
    assert "house:adjustments 9970.00 USD" in done.detail
    assert [row.writer for row in diagnosis.booked] == [f"{done.id}:0"]


async def test_an_account_off_the_books_stays_off_them(shop: Workshop) -> None:
    shop.by_hand(balances=RAISED, books=NOT_BOOKED)
    await shop.write(houses=[a_row("gone:0", 3000)])

    diagnosis = await shop.repair()

    assert diagnosis.booked == []
    assert (await shop.ledger.account("alice") or shop.account).books == NOT_BOOKED
    assert await balanced(shop)


@pytest.mark.parametrize("field", ["balances", "books"])
async def test_what_cannot_be_counted_is_counted_again(shop: Workshop, field: str) -> None:
    shop.damage("accounts", "alice", field)

    diagnosis = await shop.repair()

    assert diagnosis.booked == []
    assert await balanced(shop)


async def test_one_that_was_deleted_before_the_books_is_booked_with_all_it_has(
    shop: Workshop,
) -> None:
    shop.ledger.commits += 1
    shop.ledger.accounts.put("alice", None, shop.ledger.commits)
    await shop.write(houses=[a_row("gone:0", 3000)])
    names = {"first_name": "Given", "last_name": "Family"}

    diagnosis = await shop.repair(given=names)

    assert [(row.house, row.sum_minor) for row in diagnosis.booked] == [("adjustments", -3000)]
    assert await balanced(shop)
