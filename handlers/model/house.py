"""House accounts: where the other side of what users gain and lose is booked, and the rows of sums."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TypeAlias

import msgspec

from contracts.entries import HOUSE_PREFIX

EXTERNAL = "external"
"""Where deposits come from and withdrawals go."""

OPENING = "opening"
"""What accounts held before their entries had two sides."""

ADJUSTMENTS = "adjustments"
"""What repairs change of accounts where the books had agreed with what was wrong."""

FEES = "fees"
"""What the service earns."""

CONFIGURED = (EXTERNAL, FEES, ADJUSTMENTS, OPENING)
"""Houses that senders may name where nothing else is configured."""

OURS = ("transit", "suspense")
"""Houses that the service alone books to: no sender may name them, whatever is configured."""

KEEPER = "housekeeper:0"
"""Writer of the rows of the housekeeper, of which there is one at a time."""

MERGED = "merged"
"""In the place of a writer: the row that takes over what others left."""

ROW_MINOR_MAX = 10**33
"""Largest sum of one row, either way. MongoDB's decimals have 34 digits and would round in silence
beyond: a row past this bound is reported while all of its digits are still there."""


HouseCurrency: TypeAlias = tuple[str, str, int]
"""A house, and a currency with its scale: sums of different scales are never added as they are."""


class HouseRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A part of what one house has in one currency: the rows of all writers together are the sum."""

    writer: str
    """Who alone adds to this row: a writer and one of its lanes, so that nobody waits for it."""
    house: str
    currency: str
    scale: int
    sum_minor: int
    changed_at: datetime

    @property
    def id(self) -> str:
        """What identifies the row."""
        return f"{self.writer}:{self.house}:{self.currency}:{self.scale}"


def rows_of(
    sums_minor: Mapping[HouseCurrency, int], *, writer: str, at: datetime
) -> Sequence[HouseRow]:
    """Return what is added to the rows of *writer*, one for each sum."""
    return [
        HouseRow(
            writer=writer,
            house=house,
            currency=currency,
            scale=scale,
            sum_minor=sum_minor,
            changed_at=at,
        )
        for (house, currency, scale), sum_minor in sums_minor.items()
    ]


def merged(rows: Iterable[HouseRow], *, at: datetime) -> Sequence[HouseRow]:
    """Return what *rows* come to, for the merged row of each house, currency and scale."""
    return rows_of(summed(rows), writer=MERGED, at=at)


def summed(rows: Iterable[HouseRow]) -> Mapping[HouseCurrency, int]:
    """Return what *rows* come to."""
    sums_minor = Counter[HouseCurrency]()
    for row in rows:
        sums_minor[row.house, row.currency, row.scale] += row.sum_minor
    return sums_minor


def house_account(house: str) -> str:
    """Return what a house is called beside users."""
    return f"{HOUSE_PREFIX}{house}"
