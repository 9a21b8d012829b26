"""What a repair books, so that books which balance go on balancing."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

from handlers.history.trial_balance import Totals
from handlers.model.account import BOOKED, Account
from handlers.model.house import ADJUSTMENTS, HouseRow, rows_of


def changes_of(
    account: Account, counted: Mapping[tuple[str, int], int]
) -> Mapping[tuple[str, int], int]:
    """Return by how much *account*, once rebuilt, is counted otherwise than it is now."""
    if account.books != BOOKED:
        return {}
    changes = Counter(account.posted_minor)
    changes.subtract(counted)
    return {key: minor for key, minor in changes.items() if minor}


def adjustments(
    changes: Mapping[tuple[str, int], int], totals: Totals, *, writer: str, at: datetime
) -> Sequence[HouseRow]:
    """Return what *changes* of one account book: the other side of each, where the books balance.

    Where they do not, the account is what is wrong with them, and the change itself mends them.
    """
    differences = Counter(totals.users_minor)
    for (_, currency, scale), minor in totals.houses_minor.items():
        differences[currency, scale] += minor
    other_sides = {
        (ADJUSTMENTS, currency, scale): -minor
        for (currency, scale), minor in sorted(changes.items())
        if not differences[currency, scale]
    }
    return rows_of(other_sides, writer=f"{writer}:0", at=at)
