"""P6: amounts are exact on their way in and out."""

import re
from decimal import Context, Decimal, Inexact, Rounded

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from contracts.currencies import iso_scales
from contracts.money import (
    AMOUNT_MINOR_MAX,
    AMOUNT_PATTERN,
    SCALE_MAX,
    SIGNED_AMOUNT_PATTERN,
    Amount,
    SignedAmount,
    canonical,
    to_amount,
    to_minor,
)

amounts = st.from_regex(re.compile(AMOUNT_PATTERN, re.ASCII), fullmatch=True).filter(
    lambda text: not text.endswith("\n")
)
scales = st.integers(0, SCALE_MAX)
EXACT = Context(prec=60, traps=[Inexact, Rounded])
"""Python's own has 28 digits, and rounds."""
EDGES = (2**53, 2**63 - 1, 2**63, 10**18, AMOUNT_MINOR_MAX - 1, AMOUNT_MINOR_MAX)
sizes = st.one_of(st.sampled_from(EDGES), st.integers(0, 10**6), st.integers(0, AMOUNT_MINOR_MAX))


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
            ("0.000000000000000001", 18, 1),
            ("9999999999.999999999999999999", 18, 10**28 - 1),
            ("10000000000", 18, 10**28),
            ("10000000000000000000000000000", 0, 10**28),
            ("1.0000000000000000000", 18, None),
            ("-0.05", 2, -5),
            ("-10.5", 2, -1050),
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
            assert Decimal(minor).scaleb(-scale, EXACT) == Decimal(amount)


class TestToAmount:
    @pytest.mark.parametrize(
        ("minor", "scale", "amount"),
        [
            (0, 2, "0.00"),
            (5, 2, "0.05"),
            (105, 2, "1.05"),
            (7, 0, "7"),
            (1, 8, "0.00000001"),
            (1, 18, "0.000000000000000001"),
            (10**28, 18, "10000000000.000000000000000000"),
            (10**28, 0, "10000000000000000000000000000"),
            (-1, 0, "-1"),
            (-5, 2, "-0.05"),
            (-50, 2, "-0.50"),
            (-105, 2, "-1.05"),
            (-(10**28), 18, "-10000000000.000000000000000000"),
        ],
    )
    def test_has_all_its_decimals(self, minor: int, scale: int, amount: str) -> None:
        assert to_amount(minor, scale) == amount

    @given(sizes, scales)
    def test_comes_back_as_it_went(self, minor: int, scale: int) -> None:
        amount = to_amount(minor, scale)

        assert re.fullmatch(AMOUNT_PATTERN, amount)
        assert to_minor(amount, scale) == to_minor(canonical(amount), scale) == minor
        assert Decimal(amount) == Decimal(minor).scaleb(-scale, EXACT)

    @given(sizes, scales)
    def test_below_zero_is_the_same_with_a_sign(self, minor: int, scale: int) -> None:
        amount = to_amount(-minor, scale)

        assert amount == ("-" if minor else "") + to_amount(minor, scale)
        assert re.fullmatch(SIGNED_AMOUNT_PATTERN, amount)
        assert to_minor(amount, scale) == -minor


class TestPatterns:
    AMOUNT = TypeAdapter[str](Amount)
    SIGNED = TypeAdapter[str](SignedAmount)

    @pytest.mark.parametrize(
        "amount", ["0", "0.00", "7", f"1{28 * '0'}", f"9{28 * '9'}.{18 * '9'}", f"0.{17 * '0'}1"]
    )
    def test_take_what_there_can_be(self, amount: str) -> None:
        assert self.AMOUNT.validate_python(amount) == amount
        assert self.SIGNED.validate_python(amount) == amount

    @pytest.mark.parametrize(
        "amount",
        [
            "",
            "-",
            "+1",
            "01",
            "1.",
            ".5",
            "1e3",
            "1 ",
            "1,0",
            "NaN",
            f"1{29 * '0'}",
            f"0.{19 * '1'}",
        ],
    )
    def test_refuse_what_is_no_amount_or_too_long(self, amount: str) -> None:
        for adapter in (self.AMOUNT, self.SIGNED):
            with pytest.raises(ValidationError):
                adapter.validate_python(amount)

    @pytest.mark.parametrize(
        "amount", ["-1", "-10.50", "-0.05", "-0.50", f"-0.{17 * '0'}1", f"-9{28 * '9'}.{18 * '9'}"]
    )
    def test_only_a_signed_one_is_below_zero(self, amount: str) -> None:
        assert self.SIGNED.validate_python(amount) == amount
        with pytest.raises(ValidationError):
            self.AMOUNT.validate_python(amount)

    @pytest.mark.parametrize("amount", ["-0", "-0.0", f"-0.{18 * '0'}", "--1", "-01", "- 1"])
    def test_zero_has_no_sign(self, amount: str) -> None:
        with pytest.raises(ValidationError):
            self.SIGNED.validate_python(amount)


class TestCanonical:
    @pytest.mark.parametrize(
        ("amount", "one"),
        [
            ("10.50", "10.5"),
            ("10.0", "10"),
            ("10", "10"),
            ("100", "100"),
            ("0.00", "0"),
            ("10000000000.000000000000000000", "10000000000"),
            ("0.000000000000000010", "0.00000000000000001"),
        ],
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
