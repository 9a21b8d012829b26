"""P6: amounts are exact on their way in and out."""

import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.currencies import iso_scales
from contracts.money import (
    AMOUNT_MINOR_MAX,
    AMOUNT_PATTERN,
    SCALE_MAX,
    canonical,
    to_amount,
    to_minor,
)

amounts = st.from_regex(re.compile(AMOUNT_PATTERN, re.ASCII), fullmatch=True).filter(
    lambda text: not text.endswith("\n")
)
scales = st.integers(0, SCALE_MAX)


class TestToMinor:
    @pytest.mark.parametrize(
        ("amount", "scale", "minor"),
        [
            ("0", 0, 0),
            ("10", 2, 1000),
            ("10.5", 2, 1050),
            ("10.50", 2, 1050),
            ("10.500", 2, None),
            ("10.505", 2, None),
            ("1.0", 0, None),
            ("0.00000001", 8, 1),
        ],
    )
    def test_counts_minor_units_and_never_rounds(
        self, amount: str, scale: int, minor: int | None
    ) -> None:
        assert to_minor(amount, scale) == minor

    @given(amounts, scales)
    def test_is_what_decimals_say(self, amount: str, scale: int) -> None:
        minor = to_minor(amount, scale)

        if minor is None:
            assert len(amount.partition(".")[2]) > scale
        else:
            assert Decimal(minor).scaleb(-scale) == Decimal(amount)


class TestToAmount:
    @pytest.mark.parametrize(
        ("minor", "scale", "amount"),
        [(0, 2, "0.00"), (5, 2, "0.05"), (105, 2, "1.05"), (7, 0, "7"), (1, 8, "0.00000001")],
    )
    def test_has_all_its_decimals(self, minor: int, scale: int, amount: str) -> None:
        assert to_amount(minor, scale) == amount

    @given(st.integers(0, AMOUNT_MINOR_MAX), scales)
    def test_comes_back_as_it_went(self, minor: int, scale: int) -> None:
        amount = to_amount(minor, scale)

        assert re.match(AMOUNT_PATTERN, amount)
        assert to_minor(amount, scale) == minor

    def test_stays_below_what_json_readers_keep_exact(self) -> None:
        assert AMOUNT_MINOR_MAX < 2**53


class TestCanonical:
    @pytest.mark.parametrize(
        ("amount", "one"),
        [("10.50", "10.5"), ("10.0", "10"), ("10", "10"), ("100", "100"), ("0.00", "0")],
    )
    def test_is_one_spelling(self, amount: str, one: str) -> None:
        assert canonical(amount) == one

    @given(amounts, amounts)
    def test_is_the_same_exactly_where_the_value_is(self, one: str, other: str) -> None:
        assert (canonical(one) == canonical(other)) is (Decimal(one) == Decimal(other))


class TestIsoScales:
    @pytest.mark.parametrize(("code", "scale"), [("JPY", 0), ("USD", 2), ("KWD", 3)])
    def test_are_those_of_the_standard(self, code: str, scale: int) -> None:
        assert iso_scales()[code] == scale

    @pytest.mark.parametrize("code", ["XAU", "XXX", "XTS"])
    def test_leave_out_what_has_no_minor_units(self, code: str) -> None:
        assert code not in iso_scales()

    def test_fit_our_amounts(self) -> None:
        assert len(iso_scales()) > 100
        assert all(0 <= scale <= SCALE_MAX for scale in iso_scales().values())
