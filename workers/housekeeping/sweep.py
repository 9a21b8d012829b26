"""Publishes every account's state again, slowly and for ever, so that none stays outdated."""

import logging
import math
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import Protocol, TypeVar

from handlers.model.account import Account
from handlers.model.corrupt import CorruptDocument
from handlers.model.outcome import Outcome
from storage.ports.ledger import EntryRange, Ledger
from workers.clock import fresh_name, monotonic_s
from workers.monitoring.corrupt import CorruptDocuments
from workers.monitoring.metrics import Metrics

logger = logging.getLogger(__name__)

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


Stored = TypeVar("Stored", Account, Outcome)


class Republish(Protocol):
    """Where states and events go again."""

    async def publish_states(self, accounts: Sequence[Account], owed: Sequence[Outcome]) -> None:
        """Publish the states, then the events of *owed* in order; return once acknowledged."""
        ...


def _anywhere() -> str:
    """Return where to begin: were it always the beginning, frequent restarts would never reach the end."""
    return chr(ord("a") + int(fresh_name(), 16) % 26)


@dataclass(slots=True)
class Sweep:
    """One endless walk over all accounts, a page at a time."""

    ledger: Ledger
    republish: Republish
    _: KW_ONLY
    state_sweep_s: float
    metrics: Metrics
    corrupt: CorruptDocuments
    after: str = field(default_factory=_anywhere)
    """The last user of the page before."""
    _started_s: float | None = None
    unsettled: set[str] = field(default_factory=set[str])
    """Whose states may not be the last ones yet: they changed while they were published."""

    async def step(self) -> float:
        """Publish one page; return how many seconds to wait before the next.

        After an error the same page comes again. Accounts that would not settle come with the
        next page, which is then soon. What cannot be understood is reported, and passed by.
        """
        limit, pause_s = plan(await self.ledger.count_accounts(), self.state_sweep_s)
        page = await self.ledger.page(after=self.after, limit=limit)
        accounts = self._readable(page)
        usernames = {account.username for account in accounts}
        late = await self._read(self.unsettled - usernames)
        self.unsettled |= usernames
        await self._publish([*accounts, *late])
        self.metrics.swept_accounts_total.inc(len(page))
        if self.unsettled:
            pause_s = min(pause_s, ROUND_S)
        if len(page) == limit:
            self.after = page[-1].username
            return pause_s
        at_the_end = not page and self.after
        self._begin_again()
        return ROUND_MIN_S if at_the_end else pause_s

    async def _publish(self, accounts: Sequence[Account]) -> None:
        """Publish *accounts*, then again those that changed meanwhile: ours could be the last."""
        await self.republish.publish_states(accounts, [])
        cut = set[str]()
        for owed in self._owed_by(accounts):
            await self.republish.publish_states([], await self._entries(owed, cut))
        for _ in range(SETTLE_TRIES):
            versions = {account.username: account.version for account in accounts}
            now = await self._read(versions)
            accounts = [one for one in now if one.version != versions[one.username]]
            self.unsettled -= versions.keys() - {account.username for account in accounts}
            if not accounts:
                return
            await self.republish.publish_states(accounts, [])

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

    async def _entries(self, owed: Sequence[EntryRange], cut: set[str]) -> Sequence[Outcome]:
        """Return the entries *owed*, of each account up to the first that cannot be had.

        Those accounts are *cut* from then on: their subscribers must not be led past a gap.
        """
        ranges = [each for each in owed if each.username not in cut]
        async with self.ledger.transaction() as transaction:
            entries = self._readable(await transaction.entries(ranges))
            await transaction.commit()
        following = {each.username: each.after + 1 for each in ranges}
        whole: list[Outcome] = []
        for outcome in entries:
            assert outcome.entry is not None, "asked for by its sequence"
            if outcome.entry.sequence == following[outcome.username]:
                following[outcome.username] += 1
                whole.append(outcome)
        short = [each.username for each in ranges if following[each.username] <= each.up_to]
        if short:
            cut.update(short)
            self.metrics.invariant_violations_total.inc()
            logger.error("entries are missing between a published sequence and the account's own")
        return whole

    async def _read(self, usernames: Collection[str]) -> Sequence[Account]:
        if not usernames:
            return []
        async with self.ledger.transaction() as transaction:
            accounts = await transaction.accounts(usernames)
            await transaction.commit()
        return self._readable(accounts.values())

    def _readable(self, found: Iterable[Stored | CorruptDocument]) -> list[Stored]:
        """Return *found* without what cannot be understood, which is reported."""
        self.corrupt.report(one for one in found if isinstance(one, CorruptDocument))
        return [one for one in found if not isinstance(one, CorruptDocument)]

    def _begin_again(self) -> None:
        self.after = ""
        now_s = monotonic_s()
        if self._started_s is not None:
            took_s = now_s - self._started_s
            self.metrics.state_sweep_seconds.set(took_s)
            if took_s > self.state_sweep_s:
                logger.warning(
                    "a sweep of the states took %.0f s, longer than state_sweep_s (%.0f)",
                    took_s,
                    self.state_sweep_s,
                )
        self._started_s = now_s


def plan(accounts: int, state_sweep_s: float) -> tuple[int, float]:
    """Return the accounts of a page and the pause after it, so that a sweep ends in time."""
    budget_s = state_sweep_s * MARGIN
    limit = min(PAGE_MAX, max(PAGE_MIN, math.ceil(accounts * ROUND_S / budget_s)))
    return limit, min(budget_s, max(ROUND_MIN_S, budget_s * limit / max(1, accounts)))
