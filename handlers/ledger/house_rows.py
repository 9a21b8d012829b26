"""What a lane's transaction adds to the rows of house sums."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from handlers.model.account import Account
from handlers.model.house import OPENING, HouseCurrency, HouseRow, rows_of
from handlers.model.outcome import Outcome
from handlers.model.postings import other_side


def house_rows(
    outcomes: Iterable[Outcome], opening: Iterable[Account], *, writer: str, at: datetime
) -> Sequence[HouseRow]:
    """Return what the houses gain by *outcomes*, each sum once, for the rows of *writer*.

    And by accounts whose balances are only now taken into the books, as they were before *outcomes*.
    """
    sums_minor: dict[HouseCurrency, int] = {}
    for outcome in outcomes:
        if (entry := outcome.entry) is not None:
            house, amount_minor = other_side(entry)
            key = (house, entry.currency, entry.scale)
            sums_minor[key] = sums_minor.get(key, 0) + amount_minor
    for account in opening:
        for (currency, scale), posted_minor in account.posted_minor.items():
            key = (OPENING, currency, scale)
            sums_minor[key] = sums_minor.get(key, 0) - posted_minor
    moved = {key: sum_minor for key, sum_minor in sums_minor.items() if sum_minor}
    return rows_of(moved, writer=writer, at=at)
