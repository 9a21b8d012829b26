"""Money is an integer of minor units inside and a decimal string outside. Never a float."""

from typing import Annotated, TypeAlias

from pydantic import Field

AMOUNT_MINOR_MAX = 10**28
"""Largest amount or balance, in minor units: ten billion coins of 18 decimals. Hundreds of thousands
of them still add up exactly in the 34 digits of MongoDB's Decimal128."""

SCALE_MAX = 18
"""Most decimals of any asset; eighteen is what ether needs."""

AMOUNT_PATTERN = r"^(0|[1-9]\d{0,28})(\.\d{1,18})?$"
"""Decimal notation without sign, exponent or leading zeros, so that there is one way to say it."""

SIGNED_AMOUNT_PATTERN = r"^((0|-?[1-9]\d{0,28})(\.\d{1,18})?|-0\.\d{0,17}[1-9]\d{0,17})$"
"""As `AMOUNT_PATTERN`, with a minus sign below zero and never before it. Code generators know no
look-ahead, so that a few more decimals than there can be would pass behind `-0.`."""

Amount: TypeAlias = Annotated[
    str,
    Field(
        pattern=AMOUNT_PATTERN,
        description="Decimal string. As a JSON number it would lose digits, so numbers are refused.",
        examples=["10.50"],
    ),
]

SignedAmount: TypeAlias = Annotated[
    str,
    Field(
        pattern=SIGNED_AMOUNT_PATTERN,
        description="Decimal string, with a minus sign below zero. Zero has no sign.",
        examples=["-10.50"],
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
    if minor < 0:
        return "-" + to_amount(-minor, scale)
    digits = str(minor)
    if len(digits) <= scale:
        digits = digits.rjust(scale + 1, "0")
    return digits[:-scale] + "." + digits[-scale:]


def canonical(amount: str) -> str:
    """Return the one spelling shared by all that mean the same: `10.50` and `10.5` are `10.5`."""
    return amount.rstrip("0").rstrip(".") if "." in amount else amount
