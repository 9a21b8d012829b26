"""Recounts all that is stored, round after round, as slowly as it may and giving way to others."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, field

from handlers.history.discrepancy import Discrepancy, Violation
from handlers.history.reference import Referring
from handlers.model.corrupt import CorruptDocument
from storage.ports.inspection import Inspection
from storage.ports.ledger import Ledger
from workers.clock import monotonic_s
from workers.housekeeping.recount import recount_page
from workers.housekeeping.references import check_accounts, check_references
from workers.monitoring.corrupt import CorruptDocuments
from workers.monitoring.metrics import Metrics

logger = logging.getLogger(__name__)

ROUND_S = 600.0
"""What a round is planned for, so that a balance changed by hand is found within a quarter of an
hour: the rest is for waits, and for what is written meanwhile."""

DOCUMENTS_PER_S_MIN = 100
"""Documents read in a second where there are few: a round over 60,000 takes its ten minutes then."""

DOCUMENTS_PER_S_MAX = 5000
"""Documents read in a second at most, less than a tenth of a core here and as much in the store. A
round over more than this allows takes longer."""

PAGE_ACCOUNTS = 1000
"""Accounts computed again at once, and documents that name accounts. Most of the time goes into
waiting for a turn in a busy process, as often for a small page as for a large one."""

LANES = 4
"""Histories read side by side, so that a round needs fewer turns one after the other."""

PASSED_BY = 0.1
"""What an outcome costs that the store leaves out, measured by one that it hands out."""

AGAIN_S = 60.0
"""Between two rounds: a small service is not recounted all the time."""


class RecountPace:
    """Spreads the work evenly over a round, and gives way: time that was lost is never made up."""

    def __init__(self) -> None:
        self.documents_per_s: float = DOCUMENTS_PER_S_MIN
        self._due_s = 0.0

    async def __call__(self, documents: int) -> None:
        """Rest until these *documents* and all before them may have been read."""
        now_s = monotonic_s()
        self._due_s = max(now_s, self._due_s) + documents / self.documents_per_s
        await asyncio.sleep(self._due_s - now_s)


@dataclass(slots=True)
class RecountRounds:
    """One endless walk: all accounts with their entries, then everything that names an account."""

    ledger: Ledger
    inspection: Inspection
    _: KW_ONLY
    metrics: Metrics
    corrupt: CorruptDocuments
    _pace: RecountPace = field(default_factory=RecountPace)
    _to_check: list[Referring] = field(default_factory=list[Referring])
    """What this round has yet to look at once the accounts are done; empty before a round."""
    _accounts_done: bool = True
    _after: str = ""
    _started_s: float = 0.0

    async def step(self) -> float:
        """Look at the next few documents; return the seconds until the next few.

        After an error the same ones come again.
        """
        if not self._to_check:
            await self._begin()
        last = await (self._references() if self._accounts_done else self._accounts())
        self._after = last or ""
        if last is None:
            if self._accounts_done:
                self._to_check.pop(0)
            self._accounts_done = True
        return 0.0 if self._to_check else self._end()

    async def _begin(self) -> None:
        accounts = await self.ledger.count_accounts()
        outcomes = await self.ledger.count_outcomes()
        self._pace.documents_per_s = rate(accounts, outcomes)
        self._to_check = [*Referring]
        self._accounts_done = False
        self._started_s = monotonic_s()

    def _end(self) -> float:
        self.metrics.recount_seconds.set(monotonic_s() - self._started_s)
        return AGAIN_S

    async def _accounts(self) -> str | None:
        page = await recount_page(
            self.ledger, after=self._after, limit=PAGE_ACCOUNTS, pace=self._pace, lanes=LANES
        )
        beside = await check_accounts(self.ledger, self.inspection, page.readable)
        self.metrics.verified_accounts_total.inc(page.accounts)
        self._report([*page.discrepancies, *beside], page.corrupt)
        await self._pace(page.accounts)
        return page.last

    async def _references(self) -> str | None:
        page = await check_references(
            self.ledger,
            self.inspection,
            self._to_check[0],
            after=self._after,
            limit=PAGE_ACCOUNTS,
        )
        self._report(page.discrepancies, page.corrupt)
        await self._pace(max(page.named, round(page.looked_at * PASSED_BY)))
        return page.last

    def _report(
        self, discrepancies: Sequence[Discrepancy], corrupt: Sequence[CorruptDocument]
    ) -> None:
        self.metrics.invariant_violations_total.inc(len(discrepancies))
        self.corrupt.report(corrupt)
        for one in discrepancies:
            if one.violation is not Violation.CORRUPT_DOCUMENT:
                logger.error("account %s: %s: %s", one.account_id, one.violation, one.detail)


def rate(accounts: int, outcomes: int) -> float:
    """Return how many documents to read in a second, so that a round ends in time.

    An outcome is read in its account's history, and then passed by. Of an account five documents are
    looked at: itself, its claim and its credential with it, and both again with all others.
    """
    documents = (1 + PASSED_BY) * outcomes + 5 * accounts
    return min(DOCUMENTS_PER_S_MAX, max(DOCUMENTS_PER_S_MIN, documents / ROUND_S))
