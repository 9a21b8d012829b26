"""Goes through what is stored and has it compared: all of it, or some accounts."""

from collections.abc import Sequence
from datetime import datetime

from cli.verification.published import Finding, PublishedEvents
from cli.verification.tally import Tally
from handlers.history.discrepancy import Discrepancy, corrupt_document
from handlers.history.reference import Referring
from handlers.model.account import Account
from handlers.model.corrupt import CorruptDocument
from handlers.model.outcome import Outcome
from storage.ports.houses import Houses
from storage.ports.inspection import Inspection
from storage.ports.ledger import Ledger
from workers.housekeeping.recount import RecountedPage, recount_accounts, recount_page
from workers.housekeeping.references import check_accounts, check_references, check_user

PAGE_ACCOUNTS = 500
"""Accounts recomputed at once: one question per page, and a few hundred KiB of memory."""

PAGE_DOCUMENTS = 2000
"""Other documents compared at once: some MiB."""

PAGE_MOMENTS = 20_000
"""Accounts asked at once when they were changed: a MiB."""


class Verifier:
    """Compares accounts with their entries, with what names them, and with what was published."""

    def __init__(
        self,
        ledger: Ledger,
        inspection: Inspection,
        houses: Houses,
        tally: Tally,
        *,
        live: bool,
    ) -> None:
        self._ledger = ledger
        self._inspection = inspection
        self._houses = houses
        self._tally = tally
        self._live = live
        self.published: PublishedEvents | None = None
        """What the topic says, where it was read."""

    async def everything(self) -> None:
        """Look at all accounts, all that names one, and the house rows."""
        total = await self._ledger.count_outcomes()
        with self._tally.progress("entries", total) as advance:

            async def pace(entries: int) -> None:
                advance(entries)

            after: str | None = ""
            while after is not None:
                page = await recount_page(
                    self._ledger,
                    after=after,
                    limit=PAGE_ACCOUNTS,
                    pace=pace,
                    witness=self._compare,
                )
                await self._take(page)
                after = page.last
        for collection in Referring:
            await self._references(collection, total if collection is Referring.OUTCOMES else 0)
        await self._house_rows()
        if self.published is not None:
            self.published.finish()
            self._tally.take(self.published.findings)

    async def changed(self, since: datetime) -> Sequence[str]:
        """Return the accounts that were changed *since*."""
        usernames: list[str] = []
        total = await self._ledger.count_accounts()
        with self._tally.progress("accounts", total) as advance:
            after: str | None = ""
            while after is not None:
                page = await self._inspection.changed(since=since, after=after, limit=PAGE_MOMENTS)
                usernames += page.usernames
                advance(page.looked_at)
                after = page.last
        return usernames

    async def some(self, usernames: Sequence[str]) -> None:
        """Look at these accounts, and at what names each."""

        async def pace(entries: int) -> None:
            del entries

        with self._tally.progress("accounts", len(usernames)) as advance:
            for start in range(0, len(usernames), PAGE_ACCOUNTS):
                page = usernames[start : start + PAGE_ACCOUNTS]
                recounted = await recount_accounts(
                    self._ledger, self._inspection, page, pace=pace, witness=self._compare
                )
                await self._take(recounted)
                advance(len(page))
        if len(usernames) == 1:
            [username] = usernames
            checked = await check_user(self._ledger, self._inspection, username)
            self._tell(checked.discrepancies)
        if self.published is not None:
            self.published.finish()
            self._tally.take(self.published.findings)

    def _compare(self, outcome: Outcome) -> None:
        if self.published is not None:
            self.published.compare(outcome)

    async def _take(self, page: RecountedPage) -> None:
        self._tally.accounts += page.accounts
        self._tally.entries += page.entries
        self._tell(page.discrepancies)
        self._tell(await check_accounts(self._ledger, self._inspection, page.readable))
        await self._count_owing(page.readable)
        if self.published is not None:
            self.published.settle(page.readable, live=self._live)
            self.published.forget(one.username for one in page.corrupt)
            self._tally.take(self.published.findings)

    async def _count_owing(self, accounts: Sequence[Account]) -> None:
        """Count events that nothing says were published, unless their writer signed off."""
        owing = [one for one in accounts if one.published_sequence < one.sequence]
        done = await self._ledger.signed_off({one.writer for one in owing}) if owing else ()
        for account in owing:
            if account.writer not in done:
                self._tally.owing_accounts += 1
                self._tally.owing_events += account.sequence - account.published_sequence

    async def _references(self, collection: Referring, total: int) -> None:
        with self._tally.progress(collection, total) as advance:
            after: str | None = ""
            while after is not None:
                page = await check_references(
                    self._ledger, self._inspection, collection, after=after, limit=PAGE_DOCUMENTS
                )
                self._tell(page.discrepancies)
                advance(page.looked_at)
                after = page.last

    async def _house_rows(self) -> None:
        """Look whether every row can be understood; whether they are right the trial balance says."""
        after = ""
        while page := await self._houses.page(after=after, limit=PAGE_DOCUMENTS):
            self._tell([corrupt_document(one) for one in page if isinstance(one, CorruptDocument)])
            after = page[-1].id

    def _tell(self, discrepancies: Sequence[Discrepancy]) -> None:
        self._tally.take(
            [Finding(one.username, one.violation, one.detail) for one in discrepancies]
        )
