"""Where in a long history a time stands, found by halving: a page need not look through the rest."""

from collections.abc import Sequence
from datetime import datetime

from contracts.queries import ListTransactions
from handlers.history.pages import EntryQuery
from handlers.model.outcome import Outcome

SKIP_MIN = 100
"""Entries worth skipping: looking through fewer takes no longer than another question."""


class StartSearch:
    """Finds where the first page begins: `next_read` says what to look at, `take` what was there.

    Time never goes back within an account, so nothing that matches lies on the far side of `past`.
    """

    def __init__(self, query: ListTransactions, *, last: int) -> None:
        """*last* is the sequence of the account's last entry, which has all before it."""
        self._query = query
        self._newest = query.order == "newest"
        self._low, self._high = 0, last + 1
        """What stands at `low` is earlier than the time, what stands at `high` is not."""
        self._time: datetime | None = query.to if self._newest else query.from_
        if query.cursor is not None:
            self._time = None  # it says where to begin
        self._probe = last if self._newest else 1
        """First of all the end that the page would begin with: often there is nothing to skip."""

    @property
    def next_read(self) -> EntryQuery | None:
        """The one entry to look at next; None once it is found."""
        if self._time is None or self._high - self._low <= SKIP_MIN:
            return None
        return EntryQuery(
            username=self._query.username, order="oldest", past=self._probe - 1, limit=1
        )

    def take(self, stretch: EntryQuery, outcomes: Sequence[Outcome]) -> None:
        """Halve what is left by the entry that stood in *stretch*."""
        del stretch  # it is the one asked for
        assert self._time is not None
        if outcomes and outcomes[0].decided_at < self._time:
            self._low = self._probe
        else:
            self._high = self._probe
        self._probe = (self._low + self._high) // 2

    @property
    def past(self) -> int | None:
        """The sequence behind which the page begins; None is the end that comes first."""
        if self._time is None:
            return None
        return self._high if self._newest else self._low
