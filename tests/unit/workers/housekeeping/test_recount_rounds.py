"""The recount comes past all that is stored, reports what does not hold, and gives way."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from handlers.history.discrepancy import Violation
from handlers.model.account import Account, Balance
from handlers.model.corrupt import CorruptDocument
from handlers.model.outcome import Outcome
from tests.builders import a_chain, a_claim, an_account, an_entry, an_outcome
from tests.unit.workers.housekeeping.books_in_memory import (
    VIOLATIONS,
    Books,
    a_sound_one,
    said,
)
from workers.housekeeping import recount_rounds
from workers.housekeeping.recount import recount_page
from workers.housekeeping.recount_rounds import RecountPace, rate


class TestRound:
    async def test_finds_nothing_where_all_is_right(self, books: Books) -> None:
        for name in ("alice", "bob"):
            await a_sound_one(books, name)

        await books.round()

        assert books.value(VIOLATIONS) == 0
        assert books.value("accounts_verified_accounts_total") == 2

    async def test_finds_a_balance_that_was_raised_by_hand(
        self, books: Books, caplog: pytest.LogCaptureFixture
    ) -> None:
        """P6."""
        await a_sound_one(books, "alice")
        await books.round()
        raised = {"USD": Balance(posted_minor=1_000_000, scale=2)}
        by_hand = an_account(balances=raised, sequence=1)
        books.ledger.commits += 1
        books.ledger.accounts.put("alice", by_hand, books.ledger.commits)

        with caplog.at_level(logging.ERROR):
            await books.round()

        assert books.value(VIOLATIONS) == 1
        assert said(caplog) == [
            "account id-of-alice: wrong_sum: 1000000 USD posted, the entries add up to 1000"
        ]

    async def test_comes_past_everything_page_by_page(
        self, books: Books, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(recount_rounds, "PAGE_ACCOUNTS", 2)
        for name in ("a", "b", "c", "d", "e"):
            await books.store(an_account(name, posted_minor=1))
            await books.write(claimed=[a_claim(f"old-{name}@example.com", name)])

        await books.round()

        assert books.value(VIOLATIONS) == 10  # five sums and five claims
        assert books.value("accounts_verified_accounts_total") == 5

    async def test_takes_the_same_page_again_after_an_error(
        self, books: Books, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await books.store(an_account(posted_minor=1))
        page = books.ledger.page

        async def fail(*, after: str, limit: int) -> Sequence[Account | CorruptDocument]:
            del after, limit
            raise ConnectionError

        monkeypatch.setattr(books.ledger, "page", fail)
        with pytest.raises(ConnectionError):
            await books.rounds.step()
        monkeypatch.setattr(books.ledger, "page", page)
        await books.round()

        assert books.value(VIOLATIONS) == 1

    async def test_reports_what_is_corrupt_and_goes_on(
        self, books: Books, caplog: pytest.LogCaptureFixture
    ) -> None:
        for name in ("alice", "bob", "carol", "dave"):
            await a_sound_one(books, name)
        books.damage("accounts", "alice", "alice")
        books.damage("outcomes", "bob:command-1", "bob")
        books.damage("credentials", "carol", "carol")
        await books.store(an_account("zoe", posted_minor=1))

        with caplog.at_level(logging.ERROR):
            await books.round()

        for collection in ("accounts", "outcomes", "credentials"):
            assert books.value("accounts_corrupt_documents_total", collection=collection) == 1
        assert books.value(VIOLATIONS) == 4
        assert sorted(said(caplog)) == [
            "account id-of-zoe: wrong_sum: 1 USD posted, the entries add up to 0",
            "corrupt document of user alice: accounts alice: a.field is missing or wrong",
            "corrupt document of user bob: outcomes bob:command-1: a.field is missing or wrong",
            "corrupt document of user carol: credentials carol: a.field is missing or wrong",
        ]

    async def test_does_not_report_an_account_that_is_just_being_written(
        self, books: Books, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await books.store(an_account(posted_minor=1000, sequence=1), an_outcome(sequence=1))
        page = books.ledger.page

        async def read_then_write(*, after: str, limit: int) -> Sequence[Account | CorruptDocument]:
            found = await page(after=after, limit=limit)
            entry = an_entry(2, before_minor=1000, after_minor=2000)
            _, second = a_chain(an_outcome(sequence=1), an_outcome(sequence=2, entry=entry))
            more = replace(an_account(posted_minor=2000, sequence=2), version=2)
            await books.store(more, second)
            await books.store(
                an_account("bob", posted_minor=1000, sequence=1), an_outcome("bob", sequence=1)
            )
            return found

        monkeypatch.setattr(books.ledger, "page", read_then_write)

        await books.rounds.step()

        assert books.value(VIOLATIONS) == 0


class TestPage:
    @pytest.mark.parametrize("lanes", [1, 2, 3, 4, 9])
    async def test_comes_to_the_same_however_many_parts_are_read_side_by_side(
        self, books: Books, lanes: int
    ) -> None:
        for name in ("a", "b", "d", "e", "f"):
            await books.store(an_account(name, posted_minor=1))
        await books.write(outcomes=[an_outcome(name, sequence=1) for name in ("a", "c", "f")])

        page = await recount_page(books.ledger, after="", limit=5, pace=_at_once, lanes=lanes)
        rest = await recount_page(books.ledger, after="e", limit=5, pace=_at_once, lanes=lanes)

        found = {(one.username, one.violation) for one in page.discrepancies}
        sums = {(name, Violation.WRONG_SUM) for name in ("a", "b", "d", "e", "f")}
        assert found == sums | {
            ("a", Violation.ENTRIES_AHEAD),
            ("c", Violation.UNKNOWN_ACCOUNT),
            ("f", Violation.ENTRIES_AHEAD),
        }
        assert (page.accounts, page.entries, page.last) == (5, 3, "f")
        assert (rest.accounts, rest.entries, rest.last) == (1, 1, None)

    async def test_leaves_nothing_running_where_one_part_fails(
        self, books: Books, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("a", "b"):
            await books.store(an_account(name))
        waiting = asyncio.Event()

        async def history(
            *, after: str = "", up_to: str | None = None
        ) -> AsyncIterator[Outcome | CorruptDocument]:
            del up_to
            if after:
                await waiting.wait()
                raise ConnectionError
            waiting.set()
            await asyncio.Event().wait()
            yield an_outcome()

        monkeypatch.setattr(books.ledger, "history", history)
        before = asyncio.all_tasks()

        with pytest.raises(ConnectionError):
            await recount_page(books.ledger, after="", limit=5, pace=_at_once, lanes=2)

        assert asyncio.all_tasks() == before

    async def test_reports_entries_that_no_account_counts(self, books: Books) -> None:
        await books.store(an_account("bob"), an_outcome("bob", sequence=1))
        await books.store(an_account("eve"), an_outcome("carol", sequence=1))

        page = await recount_page(books.ledger, after="", limit=10, pace=_at_once)

        found = [(one.username, one.violation) for one in page.discrepancies]
        assert found == [
            ("bob", Violation.ENTRIES_AHEAD),
            ("carol", Violation.UNKNOWN_ACCOUNT),
        ]
        assert (page.accounts, page.entries, page.last) == (2, 2, None)


async def _at_once(documents: int) -> None:
    del documents


class TestPace:
    @pytest.mark.parametrize(
        ("accounts", "outcomes"), [(100_000, 100_000), (100_000, 1_500_000), (10, 10_000)]
    )
    def test_a_round_ends_within_a_quarter_of_an_hour(self, accounts: int, outcomes: int) -> None:
        documents = 1.1 * outcomes + 5 * accounts

        assert documents / rate(accounts, outcomes) <= timedelta(minutes=15).total_seconds()

    @given(st.integers(0, 10**8), st.integers(0, 10**9))
    def test_is_bounded(self, accounts: int, outcomes: int) -> None:
        documents_per_s = rate(accounts, outcomes)

        assert documents_per_s >= recount_rounds.DOCUMENTS_PER_S_MIN
        assert documents_per_s <= recount_rounds.DOCUMENTS_PER_S_MAX

    async def test_rests_until_what_was_read_is_due_and_makes_up_for_nothing(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        now_s, rests = 100.0, list[float]()

        async def rest(seconds: float) -> None:
            rests.append(seconds)

        monkeypatch.setattr(recount_rounds, "monotonic_s", lambda: now_s)
        monkeypatch.setattr(asyncio, "sleep", rest)
        pace = RecountPace()
        pace.documents_per_s = 100

        await pace(100)
        await pace(50)  # of another lane, at the same moment
        now_s += 1.2
        await pace(100)
        now_s += 60.0  # a MongoDB that was busy
        await pace(100)

        assert rests == [pytest.approx(each) for each in (1.0, 1.5, 1.3, 1.0)]
