"""The books in memory."""

from collections import Counter
from collections.abc import Sequence

from handlers.history.trial_balance import Totals
from handlers.ledger.postings import HouseCurrency
from handlers.model.account import BOOKED
from handlers.model.corrupt import CorruptDocument
from handlers.model.house import HouseRow
from storage.memory.ledger import MemoryLedger


class MemoryHouses:
    """Sees what is committed to *ledger*."""

    def __init__(self, ledger: MemoryLedger) -> None:
        self._ledger = ledger

    async def page(self, *, after: str, limit: int) -> Sequence[HouseRow | CorruptDocument]:
        """Return up to *limit* rows with ids above *after*, ascending."""
        ledger = self._ledger
        rows = sorted(ledger.houses.items(ledger.commits), key=lambda row: row[0])
        return [ledger.corrupt.get(("houses", name), row) for name, row in rows if name > after][
            :limit
        ]

    async def totals(self) -> Totals:
        """Return what stands in the books, users and houses as of one moment."""
        ledger, at = self._ledger, self._ledger.commits
        houses, users = Counter[HouseCurrency](), Counter[tuple[str, int]]()
        counts = Counter[str]()
        for name, account in ledger.accounts.items(at):
            if ("accounts", name) in ledger.corrupt:
                counts["unreadable"] += 1
            elif account.books != BOOKED:
                counts["not booked"] += 1
            else:
                counts["booked"] += 1
                for currency, balance in account.balances.items():
                    users[currency, balance.scale] += balance.posted_minor
        rows = dict(ledger.houses.items(at))
        corrupt = [found for name in rows if (found := ledger.corrupt.get(("houses", name)))]
        for name, row in rows.items():
            if ("houses", name) not in ledger.corrupt:
                houses[row.house, row.currency, row.scale] += row.sum_minor
        return Totals(
            users_minor=users,
            houses_minor=houses,
            accounts=counts["booked"],
            not_booked=counts["not booked"],
            unreadable=counts["unreadable"],
            corrupt=corrupt,
        )
