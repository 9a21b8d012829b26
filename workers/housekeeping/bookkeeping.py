"""Keeps the books: adds up users and houses, and takes accounts in that are older than the houses."""

import logging
from collections.abc import Awaitable
from dataclasses import KW_ONLY, dataclass
from datetime import timedelta
from typing import TypeVar

from handlers.history.trial_balance import Totals, unbalanced
from handlers.model.house import MERGED, HouseRow
from storage.ports.errors import LostRaceError
from storage.ports.houses import Houses
from workers.clock import monotonic_s, utc_now
from workers.monitoring.corrupt import CorruptDocuments
from workers.monitoring.metrics import Metrics

Done = TypeVar("Done")

logger = logging.getLogger(__name__)

AGAIN_S = 600.0
"""Between two trial balances, so that what is doctored is found within a quarter of an hour."""

SHARE = 20
"""A trial balance that takes long is made seldom: it may use a twentieth of one core of the store."""


ROWS_REST = timedelta(minutes=10)
"""A row that nobody added to for so long is merged: its writer has most likely ended, and if it has not, it
makes the row anew, and nothing is lost but a moment."""

PAGE_ROWS = 500
"""Rows merged at once: some milliseconds of one transaction."""

PAGE_ACCOUNTS = 100
"""Accounts taken in at once: some milliseconds, so that hardly any race with a worker is lost."""

PAGE_PAUSE_S = 0.1
"""Between two such pages: nothing is urgent, since their users' commands take them in, too."""


@dataclass(slots=True)
class Bookkeeping:
    """The trial balance, over and over; before it, rows at rest are merged and old accounts taken in."""

    houses: Houses
    _: KW_ONLY
    metrics: Metrics
    corrupt: CorruptDocuments
    _after: str | None = None
    """Where the next page to take in starts; None where nothing is to be taken in."""
    _walked: bool = False
    """Whether everything was gone through since the last trial balance."""

    async def step(self) -> float:
        """Take a page of accounts in, or make a trial balance; return the seconds until the next step.

        Interrupted anywhere, another goes on: what is taken in says so itself.
        """
        if self._after is not None:
            await self._take_in(self._after)
            return PAGE_PAUSE_S
        await self._merge()
        started_s = monotonic_s()
        totals = await self.houses.totals()
        self._report(totals)
        if not totals.other_key:
            await self.houses.note_macs()
        if (totals.not_booked or totals.other_key) and not self._walked:
            self._after = ""
            return PAGE_PAUSE_S
        self._walked = False
        return max(AGAIN_S, SHARE * (monotonic_s() - started_s))

    def forget(self) -> None:
        """Take back what was found: another keeps house now, and ours would go stale."""
        self.metrics.unbalanced_currencies.set(0)
        self.metrics.not_booked.set(0)
        self.metrics.other_mac_key.set(0)

    async def _merge(self) -> None:
        """Merge the rows at rest, so that there are few however many writers there have been."""
        now, after = utc_now(), ""
        while page := await self.houses.page(after=after, limit=PAGE_ROWS):
            after = page[-1].id
            resting = [
                row
                for row in page
                if isinstance(row, HouseRow)
                and row.writer != MERGED
                and row.changed_at < now - ROWS_REST
            ]
            if resting:
                await self._politely(self.houses.merge(resting, at=now))

    async def _politely(self, writing: Awaitable[Done]) -> Done | None:
        """Return what came of *writing*, or None where a worker was first: it comes up again."""
        try:
            return await writing
        except LostRaceError:
            self.metrics.lost_races_total.inc()
            return None

    async def _take_in(self, after: str) -> None:
        page = await self._politely(
            self.houses.take_in(after=after, limit=PAGE_ACCOUNTS, at=utc_now())
        )
        if page is None:
            return  # the account has had a command, which took it in: the same page has one less
        self.metrics.not_booked.dec(page.accounts)
        self._after = page.last
        self._walked = page.last is None

    def _report(self, totals: Totals) -> None:
        wrong = unbalanced(totals)
        for one in wrong:
            logger.error(
                "users and houses differ by %s %s: money was made or lost",
                one.shown(one.difference_minor),
                one.currency,
            )
        self.corrupt.report(totals.corrupt)
        self.metrics.unbalanced_currencies.set(len(wrong))
        self.metrics.not_booked.set(totals.not_booked)
        self.metrics.other_mac_key.set(totals.other_key)
        self.metrics.trial_balance_timestamp_seconds.set(utc_now().timestamp())
