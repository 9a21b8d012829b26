"""Users against houses, exactly and in every currency (P13)."""

from collections.abc import Mapping

import pytest

from handlers.history.trial_balance import Totals, by_currency, unbalanced
from handlers.model.house import HouseCurrency

LARGE = 10**33 + 1


def totals(users: Mapping[tuple[str, int], int], houses: Mapping[HouseCurrency, int]) -> Totals:
    return Totals(
        users_minor=users,
        houses_minor=houses,
        accounts=1,
        not_booked=0,
        unreadable=0,
        corrupt=[],
    )


def test_both_sides_come_to_zero() -> None:
    balanced = totals(
        {("USD", 2): 700, ("JPY", 0): 5},
        {("external", "USD", 2): -900, ("opening", "USD", 2): 200, ("external", "JPY", 0): -5},
    )

    jpy, usd = by_currency(balanced)

    assert (jpy.currency, jpy.users_minor, jpy.houses_minor) == ("JPY", 5, {"external": -5})
    assert (usd.users_minor, usd.houses_minor) == (700, {"external": -900, "opening": 200})
    assert unbalanced(balanced) == []


@pytest.mark.parametrize(
    ("users", "houses", "said"),
    [
        ({("USD", 2): 701}, {("external", "USD", 2): -700}, "0.01"),
        ({("USD", 2): 700}, {("external", "USD", 2): -705}, "-0.05"),
        ({("USD", 2): 700}, {}, "7.00"),
        ({}, {("external", "USD", 2): -700}, "-7.00"),
        ({("USD", 3): 700}, {("external", "USD", 2): -700}, "-6.300"),
        ({("JPY", 0): LARGE}, {("external", "JPY", 0): 1 - LARGE}, "1"),
    ],
)
def test_a_difference_is_named_to_the_last_digit(
    users: Mapping[tuple[str, int], int], houses: Mapping[HouseCurrency, int], said: str
) -> None:
    [wrong] = unbalanced(totals(users, houses))

    assert wrong.shown(wrong.difference_minor) == said


def test_scales_of_one_currency_are_joined_without_rounding() -> None:
    found = totals(
        {("BTC", 8): 10**15 + 1, ("BTC", 2): 5},
        {("external", "BTC", 8): -(10**15) - 1, ("external", "BTC", 2): -5},
    )

    [btc] = by_currency(found)

    assert (btc.scale, btc.users_minor) == (8, 10**15 + 1 + 5 * 10**6)
    assert btc.difference_minor == 0
