"""The housekeeper adds up users and houses, and says where money was made or lost (P13)."""

import logging
from typing import Any

import pytest

from handlers.model.account import NOT_BOOKED
from handlers.model.corrupt import CorruptDocument
from storage.memory.houses import MemoryHouses
from storage.memory.ledger import MemoryLedger
from tests.builders import a_row, an_account, some_changes
from workers.housekeeping import bookkeeping
from workers.housekeeping.bookkeeping import AGAIN_S, Bookkeeping
from workers.monitoring.corrupt import CorruptDocuments
from workers.monitoring.metrics import Metrics


class Books:
    """A ledger, and who adds it up."""

    def __init__(self) -> None:
        self.ledger = MemoryLedger()
        self.metrics = Metrics()
        self.keeping = Bookkeeping(
            MemoryHouses(self.ledger), metrics=self.metrics, corrupt=CorruptDocuments(self.metrics)
        )

    async def write(self, **changes: Any) -> None:
        async with self.ledger.transaction() as transaction:
            await transaction.apply(some_changes(**changes))
            await transaction.commit()

    def value(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(f"accounts_{name}", labels)


@pytest.fixture
def books() -> Books:
    return Books()


async def test_balanced_books_raise_no_alert(books: Books) -> None:
    old = an_account("bobby", posted_minor=5, books=NOT_BOOKED)
    await books.write(accounts=[an_account(posted_minor=1000), old], houses=[a_row()])

    assert await books.keeping.step() == AGAIN_S

    assert books.value("unbalanced_currencies") == 0
    assert books.value("accounts_not_booked") == 1
    assert (books.value("trial_balance_timestamp_seconds") or 0) > 0


async def test_a_difference_is_logged_and_counted_until_it_is_gone(
    books: Books, caplog: pytest.LogCaptureFixture
) -> None:
    await books.write(accounts=[an_account(posted_minor=1001)], houses=[a_row()])

    await books.keeping.step()

    assert books.value("unbalanced_currencies") == 1
    [said] = [one.getMessage() for one in caplog.records if one.levelno == logging.ERROR]
    assert "0.01 USD" in said

    await books.write(houses=[a_row(sum_minor=-1)])
    await books.keeping.step()

    assert books.value("unbalanced_currencies") == 0


async def test_a_row_that_cannot_be_understood_is_reported(books: Books) -> None:
    await books.write(houses=[a_row()])
    name = a_row().id
    books.ledger.corrupt["houses", name] = CorruptDocument(
        collection="houses", id=name, username="", field="sum"
    )

    await books.keeping.step()

    assert books.value("corrupt_documents_total", collection="houses") == 1


async def test_a_long_one_is_made_seldom(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    moments = iter([0.0, 60.0])
    monkeypatch.setattr(bookkeeping, "monotonic_s", lambda: next(moments))

    assert await books.keeping.step() == 20 * 60.0


async def test_what_was_found_is_taken_back_where_another_keeps_house(books: Books) -> None:
    await books.write(houses=[a_row()])
    await books.keeping.step()

    books.keeping.forget()

    assert books.value("unbalanced_currencies") == 0
