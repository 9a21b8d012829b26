"""The housekeeper adds up users and houses, and says where money was made or lost (P13)."""

import logging
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from handlers.history.trial_balance import unbalanced
from handlers.model.account import BOOKED, NOT_BOOKED
from handlers.model.corrupt import CorruptDocument
from storage.memory.houses import MemoryHouses
from storage.memory.ledger import MemoryLedger
from tests.builders import a_row, an_account, some_changes
from workers.clock import utc_now
from workers.housekeeping import bookkeeping
from workers.housekeeping.bookkeeping import AGAIN_S, ROWS_REST, Bookkeeping
from workers.monitoring.corrupt import CorruptDocuments
from workers.monitoring.metrics import Metrics

STEPS_MAX = 20
"""More than all pages here, and a trial balance before and after them."""


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
    await books.write(accounts=[an_account(posted_minor=1000)], houses=[a_row()])

    assert await books.keeping.step() == AGAIN_S

    assert books.value("unbalanced_currencies") == 0
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


class TestOldAccounts:
    """Accounts that nothing has written since there are houses."""

    async def run(self, books: Books) -> None:
        """Let it work until it rests; the books balance after every step."""
        for _ in range(STEPS_MAX):
            if await books.keeping.step() == AGAIN_S:
                return
            assert not unbalanced(await MemoryHouses(books.ledger).totals())
        raise AssertionError("it never rests")

    async def test_are_taken_in_page_by_page(
        self, books: Books, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(bookkeeping, "PAGE_ACCOUNTS", 2)
        old = [an_account(name, posted_minor=100, books=NOT_BOOKED) for name in "abcdefg"]
        await books.write(accounts=old)

        await books.keeping.step()
        assert books.value("not_booked") == 7
        await self.run(books)

        assert books.value("not_booked") == 0
        accounts = dict(books.ledger.accounts.items(books.ledger.commits))
        assert [one.books for one in accounts.values()] == [BOOKED] * 7
        assert {one.version for one in accounts.values()} == {2}
        assert {one.writer for one in accounts.values()} == {"a-writer"}, "nothing is owed by us"
        [row] = [row for _, row in books.ledger.houses.items(books.ledger.commits)]
        assert (row.house, row.sum_minor) == ("opening", -700)

    async def test_that_cannot_be_understood_are_passed_by(self, books: Books) -> None:
        old = [an_account(name, posted_minor=100, books=NOT_BOOKED) for name in ("alice", "bobby")]
        await books.write(accounts=old)
        books.ledger.corrupt["accounts", "alice"] = CorruptDocument(
            collection="accounts", id="alice", username="alice", field="profile.email"
        )

        await self.run(books)

        assert books.value("not_booked") == 1

    async def test_that_a_worker_writes_are_left_to_it(self, books: Books) -> None:
        old = an_account(posted_minor=100, books=NOT_BOOKED)
        await books.write(accounts=[old])
        await books.keeping.step()
        async with books.ledger.transaction() as transaction:
            await transaction.apply(
                some_changes(
                    accounts=[replace(old, version=2, books=BOOKED)],
                    houses=[a_row(sum_minor=-100, house="opening")],
                )
            )
            await books.keeping.step()  # it loses the race
            await transaction.commit()

        await self.run(books)

        assert books.value("lost_races_total") == 1
        assert not unbalanced(await MemoryHouses(books.ledger).totals())


class TestRows:
    """The collection stays small for ever."""

    async def test_at_rest_are_merged(self, books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(bookkeeping, "PAGE_ROWS", 2)
        past = utc_now() - ROWS_REST - timedelta(seconds=1)
        resting = [replace(a_row(f"{n}:0", -100), changed_at=past) for n in range(5)]
        fresh = replace(a_row("now:0", -7), changed_at=utc_now())
        await books.write(accounts=[an_account(posted_minor=507)], houses=[*resting, fresh])

        await books.keeping.step()
        await books.keeping.step()

        rows = dict(books.ledger.houses.items(books.ledger.commits))
        assert {name: row.sum_minor for name, row in rows.items()} == {
            "merged:external:USD:2": -500,
            "now:0:external:USD:2": -7,
        }
        assert books.value("unbalanced_currencies") == 0

    async def test_that_are_merged_are_not_merged_again(self, books: Books) -> None:
        past = utc_now() - ROWS_REST - timedelta(seconds=1)
        await books.write(houses=[replace(a_row("merged", -100), changed_at=past)])
        before = books.ledger.commits

        await books.keeping.step()

        assert books.ledger.commits == before

    async def test_that_a_writer_adds_to_are_left_to_it(self, books: Books) -> None:
        past = utc_now() - ROWS_REST - timedelta(seconds=1)
        await books.write(houses=[replace(a_row(), changed_at=past)])
        async with books.ledger.transaction() as transaction:
            await transaction.apply(some_changes(houses=[a_row()]))
            await books.keeping.step()

        assert books.value("lost_races_total") == 1
        assert dict(books.ledger.houses.items(books.ledger.commits)).keys() == {a_row().id}
