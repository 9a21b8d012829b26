"""What queries read from the ledger in memory."""

from collections.abc import Collection, Mapping, Sequence

from handlers.history.pages import EntryQuery
from handlers.model.account import Account
from handlers.model.outcome import Outcome
from storage.memory.ledger import MemoryLedger
from storage.ports.errors import CorruptDocumentError


class MemoryReads:
    """Sees what is committed to *ledger*."""

    def __init__(self, ledger: MemoryLedger) -> None:
        self._ledger = ledger

    async def accounts(self, usernames: Collection[str]) -> Mapping[str, Account]:
        """Return the accounts that exist."""
        self._check("accounts", usernames)
        table, at = self._ledger.accounts, self._ledger.commits
        return {name: found for name in usernames if (found := table.get(name, at))}

    async def outcomes(self, ids: Collection[str]) -> Mapping[str, Outcome]:
        """Return the decisions recorded, by `Outcome.id`."""
        self._check("outcomes", ids)
        table, at = self._ledger.outcomes, self._ledger.commits
        return {each: found for each in ids if (found := table.get(each, at))}

    async def entries(self, stretch: EntryQuery) -> Sequence[Outcome]:
        """Return the outcomes of *stretch*, in its order."""
        newest = stretch.order == "newest"
        past = stretch.past
        found = [
            (sequence, outcome)
            for (username, sequence), outcome in self._ledger.entries.items(self._ledger.commits)
            if username == stretch.username
            and (past is None or (sequence < past if newest else sequence > past))
        ]
        found.sort(key=lambda row: row[0], reverse=newest)
        outcomes = [outcome for _, outcome in found[: stretch.limit]]
        self._check("outcomes", [outcome.id for outcome in outcomes])
        return outcomes

    def _check(self, collection: str, ids: Collection[str]) -> None:
        for each in ids:
            if corrupt := self._ledger.corrupt.get((collection, each)):
                raise CorruptDocumentError(corrupt)
