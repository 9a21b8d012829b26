"""Adds up users and houses again and again: whether money was made or lost."""

import logging
from dataclasses import KW_ONLY, dataclass

from handlers.history.trial_balance import Totals, unbalanced
from storage.ports.houses import Houses
from workers.clock import monotonic_s, utc_now
from workers.monitoring.corrupt import CorruptDocuments
from workers.monitoring.metrics import Metrics

logger = logging.getLogger(__name__)

AGAIN_S = 600.0
"""Between two trial balances, so that what is doctored is found within a quarter of an hour."""

SHARE = 20
"""A trial balance that takes long is made seldom: it may use a twentieth of one core of the store."""


@dataclass(slots=True)
class Bookkeeping:
    """The trial balance, over and over."""

    houses: Houses
    _: KW_ONLY
    metrics: Metrics
    corrupt: CorruptDocuments

    async def step(self) -> float:
        """Make a trial balance; return the seconds until the next."""
        started_s = monotonic_s()
        self._report(await self.houses.totals())
        return max(AGAIN_S, SHARE * (monotonic_s() - started_s))

    def forget(self) -> None:
        """Take back what was found: another keeps house now, and ours would go stale."""
        self.metrics.unbalanced_currencies.set(0)
        self.metrics.accounts_not_booked.set(0)

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
        self.metrics.accounts_not_booked.set(totals.not_booked)
        self.metrics.trial_balance_timestamp_seconds.set(utc_now().timestamp())
