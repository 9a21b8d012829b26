"""Whether money was made or lost: all users against all houses, currency by currency (P13)."""

from collections.abc import Mapping, Sequence

import msgspec

from contracts.money import to_amount
from handlers.model.corrupt import CorruptDocument
from handlers.model.house import HouseCurrency


class Totals(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What stands in the books, all of it as of one moment."""

    users_minor: Mapping[tuple[str, int], int]
    """Currency and scale → what the accounts on the books have posted."""
    houses_minor: Mapping[HouseCurrency, int]
    accounts: int
    """On the books."""
    not_booked: int
    """Accounts that nothing has written since there are houses; neither side counts them."""
    unreadable: int
    """Accounts that cannot be counted, because a field is damaged."""
    corrupt: Sequence[CorruptDocument]
    """House rows that cannot be."""
    other_key: int = 0
    """Accounts that are not authenticated by the key in use: by one before it, or by none."""


class CurrencyTotals(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One currency, in minor units of the largest scale that it is kept in."""

    currency: str
    scale: int
    users_minor: int
    houses_minor: Mapping[str, int]

    @property
    def difference_minor(self) -> int:
        """What was made (above zero) or lost; zero where all is well."""
        return self.users_minor + sum(self.houses_minor.values())

    def shown(self, minor: int) -> str:
        """Return an amount of this currency as a decimal string, with a sign where it is negative."""
        return to_amount(minor, self.scale)


def by_currency(totals: Totals) -> list[CurrencyTotals]:
    """Return users and houses of each currency, in the order of their names; nothing is rounded."""
    scales: dict[str, int] = {}
    places = [*totals.users_minor, *((one, scale) for _, one, scale in totals.houses_minor)]
    for currency, scale in places:
        scales[currency] = max(scale, scales.get(currency, 0))
    users = dict.fromkeys(scales, 0)
    houses: dict[str, dict[str, int]] = {currency: {} for currency in scales}
    for (currency, scale), minor in totals.users_minor.items():
        users[currency] += minor * 10 ** (scales[currency] - scale)
    for (house, currency, scale), minor in totals.houses_minor.items():
        sums = houses[currency]
        sums[house] = sums.get(house, 0) + minor * 10 ** (scales[currency] - scale)
    return [
        CurrencyTotals(
            currency=currency,
            scale=scales[currency],
            users_minor=users[currency],
            houses_minor=dict(sorted(houses[currency].items())),
        )
        for currency in sorted(scales)
    ]


def unbalanced(totals: Totals) -> Sequence[CurrencyTotals]:
    """Return the currencies in which money was made or lost."""
    return [one for one in by_currency(totals) if one.difference_minor]
