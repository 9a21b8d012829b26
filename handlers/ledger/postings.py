"""What an entry books: its user on one side, a house on the other, together nothing."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from handlers.model.account import Account
from handlers.model.house import EXTERNAL, OPENING, HouseCurrency, HouseRow, house_account, rows_of
from handlers.model.outcome import BalanceChange, Outcome


class Posting(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What one account gains, or loses where it is negative."""

    account: str
    currency: str
    scale: int
    amount_minor: int


def postings(username: str, entry: BalanceChange) -> Sequence[Posting]:
    """Return what the *entry* of a user books (P13: together zero)."""
    house, amount_minor = _against(entry)
    return [
        Posting(
            account=account, currency=entry.currency, scale=entry.scale, amount_minor=each_minor
        )
        for account, each_minor in ((username, -amount_minor), (house_account(house), amount_minor))
    ]


def house_rows(
    outcomes: Iterable[Outcome], opening: Iterable[Account], *, writer: str, at: datetime
) -> Sequence[HouseRow]:
    """Return what the houses gain by *outcomes*, each sum once, for the rows of *writer*.

    And by accounts whose balances are only now taken into the books, as they were before *outcomes*.
    """
    sums_minor: dict[HouseCurrency, int] = {}
    for outcome in outcomes:
        if (entry := outcome.entry) is not None:
            house, amount_minor = _against(entry)
            key = (house, entry.currency, entry.scale)
            sums_minor[key] = sums_minor.get(key, 0) + amount_minor
    for account in opening:
        for (currency, scale), posted_minor in account.posted_minor.items():
            key = (OPENING, currency, scale)
            sums_minor[key] = sums_minor.get(key, 0) - posted_minor
    moved = {key: sum_minor for key, sum_minor in sums_minor.items() if sum_minor}
    return rows_of(moved, writer=writer, at=at)


def _against(entry: BalanceChange) -> tuple[str, int]:
    """Return which house the other side of *entry* is booked to, and what that house gains."""
    return EXTERNAL, entry.before_minor - entry.after_minor
