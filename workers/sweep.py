"""Publishes every account's state again, slowly and for ever, so that none stays outdated."""

import logging
import math
from collections.abc import Collection, Iterator, Sequence
from typing import Protocol

from handlers.account import Account
from handlers.outcome import Outcome
from storage.ports import EntryRange, Ledger
from workers.clock import fresh_name, monotonic_s
from workers.metrics import Metrics

log = logging.getLogger(__name__)

ROUND_S = 1.0
"""Between two pages where there are many: small and often disturbs less than large and rare."""

PAGE_MIN = 10
"""Accounts in a page where there are few: they need no finer steps."""

PAGE_MAX = 500
"""Accounts in a page: reading and publishing them takes well under a tenth of a second."""

ROUND_MIN_S = 0.05
"""Shortest pause; a service too large for this needs a longer `state_sweep_s`."""

MARGIN = 0.5
"""Part of `state_sweep_s` that a sweep plans for; the rest is for waits and new accounts."""

OWED_MAX = 2000
"""Events read and published at once: as many as a cycle of the ledger worker."""

SETTLE_TRIES = 5
"""Times a page is compared again at once; accounts that still change wait for the next page."""


class Republish(Protocol):
    """Where states and events go again."""

    async def publish_states(self, accounts: Sequence[Account], owed: Sequence[Outcome]) -> None:
        """Publish the states, then the events of *owed* in order; return once acknowledged."""
        ...


class Sweep:
    """One endless walk over all accounts, a page at a time."""

    def __init__(
        self,
        ledger: Ledger,
        republish: Republish,
        *,
        state_sweep_s: float,
        metrics: Metrics,
        after: str | None = None,
    ) -> None:
        self._ledger = ledger
        self._republish = republish
        self._state_sweep_s = state_sweep_s
        self._metrics = metrics
        # Anywhere: were it always the beginning, frequent restarts would never reach the end.
        self._after = chr(ord("a") + int(fresh_name(), 16) % 26) if after is None else after
        self._started_s: float | None = None
        self._unsettled: set[str] = set()

    async def step(self) -> float:
        """Publish one page; return how many seconds to wait before the next.

        After an error the same page comes again. Accounts that would not settle come with the
        next page, which is then soon.
        """
        limit, pause_s = plan(await self._ledger.count_accounts(), self._state_sweep_s)
        page = await self._ledger.page(after=self._after, limit=limit)
        accounts = [each for each in page if isinstance(each, Account)]
        usernames = {account.username for account in accounts}
        late = await self._read(self._unsettled - usernames)
        self._unsettled |= usernames
        await self._publish([*accounts, *late])
        self._metrics.swept_accounts_total.inc(len(page))
        if self._unsettled:
            pause_s = min(pause_s, ROUND_S)
        if len(page) == limit:
            self._after = page[-1].username
            return pause_s
        at_the_end = not page and self._after
        self._begin_again()
        return ROUND_MIN_S if at_the_end else pause_s

    async def _publish(self, accounts: Sequence[Account]) -> None:
        """Publish *accounts*, then again those that changed meanwhile: ours could be the last."""
        await self._republish.publish_states(accounts, [])
        for owed in self._owed_by(accounts):
            await self._republish.publish_states([], await self._entries(owed))
        for _ in range(SETTLE_TRIES):
            versions = {account.username: account.version for account in accounts}
            now = await self._read(versions)
            accounts = [one for one in now if one.version != versions[one.username]]
            self._unsettled -= versions.keys() - {account.username for account in accounts}
            if not accounts:
                return
            await self._republish.publish_states(accounts, [])

    def _owed_by(self, accounts: Sequence[Account]) -> Iterator[list[EntryRange]]:
        """Yield ranges of at most `OWED_MAX` entries together, in ascending sequence."""
        ranges: list[EntryRange] = []
        room = OWED_MAX
        for account in accounts:
            after = account.published_sequence
            while after < account.sequence:
                up_to = min(account.sequence, after + room)
                ranges.append(EntryRange(username=account.username, after=after, up_to=up_to))
                room -= up_to - after
                after = up_to
                if room == 0:
                    yield ranges
                    ranges, room = [], OWED_MAX
        if ranges:
            yield ranges

    async def _entries(self, ranges: Sequence[EntryRange]) -> Sequence[Outcome]:
        async with self._ledger.transaction() as transaction:
            entries = await transaction.entries(ranges)
            await transaction.commit()
        readable = [each for each in entries if isinstance(each, Outcome)]
        if len(readable) == sum(each.up_to - each.after for each in ranges):
            return readable
        self._metrics.invariant_violations_total.inc()
        log.error("entries are missing between a published sequence and the account's own")
        return []

    async def _read(self, usernames: Collection[str]) -> Sequence[Account]:
        if not usernames:
            return []
        async with self._ledger.transaction() as transaction:
            accounts = await transaction.accounts(usernames)
            await transaction.commit()
        return [each for each in accounts.values() if isinstance(each, Account)]

    def _begin_again(self) -> None:
        self._after = ""
        now_s = monotonic_s()
        if self._started_s is not None:
            took_s = now_s - self._started_s
            self._metrics.state_sweep_seconds.set(took_s)
            if took_s > self._state_sweep_s:
                log.warning(
                    "a sweep of the states took %.0f s, longer than state_sweep_s (%.0f)",
                    took_s,
                    self._state_sweep_s,
                )
        self._started_s = now_s


def plan(accounts: int, state_sweep_s: float) -> tuple[int, float]:
    """Return the accounts of a page and the pause after it, so that a sweep ends in time."""
    budget_s = state_sweep_s * MARGIN
    limit = min(PAGE_MAX, max(PAGE_MIN, math.ceil(accounts * ROUND_S / budget_s)))
    return limit, min(budget_s, max(ROUND_MIN_S, budget_s * limit / max(1, accounts)))
