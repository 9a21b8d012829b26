"""The books in memory."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

from msgspec.structs import replace

from handlers.history.trial_balance import Totals
from handlers.ledger.house_rows import house_rows
from handlers.model.account import BOOKED, NOT_BOOKED, Account
from handlers.model.changes import Changes
from handlers.model.corrupt import CorruptDocument
from handlers.model.house import KEEPER, ROW_MINOR_MAX, HouseRow, merged, summed
from storage.memory.ledger import MemoryLedger, added
from storage.memory.tables import TableDraft
from storage.ports.errors import LostRaceError
from storage.ports.houses import TakenIn


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

    async def merge(self, rows: Sequence[HouseRow], *, at: datetime) -> None:
        """Put the sums of *rows* into the merged rows in their place, all of it or nothing."""
        ledger = self._ledger
        draft = TableDraft(ledger.houses, at=ledger.commits)
        try:
            _merge(draft, rows, at)
        except LostRaceError:
            draft.close()
            raise
        ledger.commits += 1
        draft.commit(ledger.commits)

    async def take_in(self, *, after: str, limit: int, at: datetime) -> TakenIn:
        """Take those of the next *limit* accounts after *after* into the books that are not on them."""
        ledger = self._ledger
        page = await ledger.page(after=after, limit=limit)
        accounts = [one for one in page if isinstance(one, Account) and one.books == NOT_BOOKED]
        if accounts:
            async with ledger.transaction() as transaction:
                await transaction.apply(
                    Changes(
                        accounts=[
                            replace(one, books=BOOKED, version=one.version + 1) for one in accounts
                        ],
                        outcomes=[],
                        released=[],
                        claimed=[],
                        names=[],
                        registered=[],
                        houses=house_rows((), accounts, writer=KEEPER, at=at),
                    )
                )
                await transaction.commit()
        last = None
        if len(page) == limit:
            last = page[-1].username if isinstance(page[-1], Account) else page[-1].id
        return TakenIn(accounts=len(accounts), last=last)

    async def note_macs(self) -> None:
        """Nothing is authenticated in memory."""

    async def counted(self, username: str) -> Mapping[tuple[str, int], int]:
        """Return what `totals` counts of one account now, by currency and scale."""
        account = self._ledger.accounts.get(username, self._ledger.commits)
        if account is None or self._state(username, account) != "booked":
            return {}
        return account.posted_minor

    def _state(self, name: str, account: Account) -> str:
        """Say whether an account is counted; damage elsewhere than in its money is no reason not to."""
        corrupt = self._ledger.corrupt.get(("accounts", name))
        if corrupt is not None and corrupt.field.partition(".")[0] in {"balances", "books"}:
            return "unreadable"
        return "booked" if account.books == BOOKED else "not booked"

    async def totals(self) -> Totals:
        """Return what stands in the books, users and houses as of one moment."""
        ledger, at = self._ledger, self._ledger.commits
        users, counts = Counter[tuple[str, int]](), Counter[str]()
        for name, account in ledger.accounts.items(at):
            state = self._state(name, account)
            counts[state] += 1
            if state == "booked":
                users.update(account.posted_minor)
        rows = dict(ledger.houses.items(at))
        corrupt = [found for name in rows if (found := ledger.corrupt.get(("houses", name)))]
        readable = (row for name, row in rows.items() if ("houses", name) not in ledger.corrupt)
        return Totals(
            users_minor=users,
            houses_minor=summed(readable),
            accounts=counts["booked"],
            not_booked=counts["not booked"],
            unreadable=counts["unreadable"],
            corrupt=corrupt,
        )


def _merge(draft: TableDraft[str, HouseRow], rows: Sequence[HouseRow], at: datetime) -> None:
    for row in rows:
        if draft.get(row.id) != row:
            raise LostRaceError("a house row was written since it was read")
        draft.write(row.id, None)
    for row in merged(rows, at=at):
        total = added(draft.get(row.id), row)
        if abs(total.sum_minor) > ROW_MINOR_MAX:
            raise LostRaceError("a merged row would be past its bound")
        draft.write(row.id, total)
