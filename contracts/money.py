"""Money is an integer of minor units inside and a decimal string outside. Never a float."""

from typing import Annotated, TypeAlias

from pydantic import Field

AMOUNT_MINOR_MAX = 10**15
"""Largest amount or balance, in minor units: ten trillion at two decimals, and below 2**53,
so that every JSON reader keeps it exact."""

SCALE_MAX = 8
"""Most decimals of any asset; eight is what bitcoin needs."""

AMOUNT_PATTERN = r"^(0|[1-9]\d{0,15})(\.\d{1,8})?$"
"""Decimal notation without sign, exponent or leading zeros, so that there is one way to say it."""

Amount: TypeAlias = Annotated[
    str,
    Field(
        pattern=AMOUNT_PATTERN,
        description="Decimal string. As a JSON number it would lose digits, so numbers are refused.",
        examples=["10.50"],
    ),
]

Currency: TypeAlias = Annotated[
    str,
    Field(
        pattern=r"^[A-Z][A-Z0-9]{2,9}$",
        description="ISO 4217 code, or an asset from the service's configuration.",
        examples=["USD"],
    ),
]


def to_minor(amount: str, scale: int) -> int | None:
    """Return *amount* in minor units, or None where it has more decimals than *scale*.

    Refused rather than rounded: a rounded amount is not what the sender asked for.
    """
    whole, _, fraction = amount.partition(".")
    if len(fraction) > scale:
        return None
    return int(whole + fraction.ljust(scale, "0"))


def to_amount(minor: int, scale: int) -> str:
    """Return *minor* units as the decimal string with exactly *scale* decimals."""
    if scale == 0:
        return str(minor)
    digits = str(minor)
    if len(digits) <= scale:
        digits = digits.rjust(scale + 1, "0")
    return digits[:-scale] + "." + digits[-scale:]


def canonical(amount: str) -> str:
    """Return the one spelling shared by all that mean the same: `10.50` and `10.5` are `10.5`."""
    return amount.rstrip("0").rstrip(".") if "." in amount else amount
