"""A repair keeps balanced books balanced, and mends those that are not (P13)."""

from collections.abc import Mapping

import pytest

from handlers.history.adjusting import adjustments, changes_of
from handlers.history.trial_balance import Totals
from handlers.model.account import NOT_BOOKED, Balance
from handlers.model.house import ADJUSTMENTS, HouseRow
from tests.builders import NOON, an_account

USD = ("USD", 2)


def totals(users_minor: int, houses_minor: int) -> Totals:
    return Totals(
        users_minor={USD: users_minor},
        houses_minor={("external", *USD): houses_minor},
        accounts=1,
        not_booked=0,
        unreadable=0,
        corrupt=[],
    )


@pytest.mark.parametrize(
    ("counted", "changes"),
    [
        ({USD: 700}, {}),
        ({USD: 900}, {USD: -200}),
        ({}, {USD: 700}),
        ({USD: 700, ("JPY", 0): 5}, {("JPY", 0): -5}),
        ({("USD", 3): 700}, {USD: 700, ("USD", 3): -700}),
    ],
)
def test_what_changes(
    counted: Mapping[tuple[str, int], int], changes: Mapping[tuple[str, int], int]
) -> None:
    assert changes_of(an_account(posted_minor=700), counted) == changes


def test_an_account_off_the_books_changes_nothing_in_them() -> None:
    assert changes_of(an_account(posted_minor=700, books=NOT_BOOKED), {}) == {}


def test_nothing_new_in_a_currency_is_no_change() -> None:
    empty = an_account(balances={"USD": Balance(posted_minor=0, scale=2)})

    assert changes_of(empty, {}) == {}


def test_books_that_balance_go_on_balancing() -> None:
    [row] = adjustments({USD: -200}, totals(900, -900), writer="repair-1", at=NOON)

    assert row == HouseRow(
        writer="repair-1:0",
        house=ADJUSTMENTS,
        currency="USD",
        scale=2,
        sum_minor=200,
        changed_at=NOON,
    )


@pytest.mark.parametrize("houses_minor", [-700, -899])
def test_books_that_do_not_are_mended_by_the_repair_itself(houses_minor: int) -> None:
    assert adjustments({USD: -200}, totals(900, houses_minor), writer="repair-1", at=NOON) == []
