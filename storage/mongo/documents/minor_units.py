"""Minor units as MongoDB keeps them: an integer of 8 bytes while they fit, else a Decimal128.

Both are exact, and the server compares them by value. What adds them up there has to turn integers
into Decimal128 first: `$sum` makes doubles of integers that no longer fit.
"""

from collections.abc import Mapping
from typing import Any, cast

from bson import Decimal128

from contracts.money import AMOUNT_MINOR_MAX

INT64_MAX = 2**63 - 1
"""Largest integer that BSON has."""

_COEFFICIENT_BITS = 113
_WHOLE = 6176
"""IEEE 754-2008 §3.5.2, binary encoding: the biased exponent of a number whose unit is 1. Above it is
the sign's bit, below it the coefficient. Written and read as bits, because the driver's way through
decimal text takes ten times as long."""
_NEGATIVE = 1 << 127


def with_decimals(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return *fields*, its integers that are too large for BSON as Decimal128."""
    return {
        name: _to_decimal(each) if isinstance(each, int) and abs(each) > INT64_MAX else each
        for name, each in fields.items()
    }


def with_integers(stored: object) -> object:
    """Return *stored*, something with minor units or a list of such, all minor units as integers.

    What cannot be money stays as it is, for whoever checks the types next and can say where it is.
    """
    match stored:
        case list():
            return [with_integers(each) for each in cast("list[object]", stored)]
        case dict():
            fields = cast("dict[str, Any]", stored)
            return {
                name: _to_integer(each)
                if isinstance(each, Decimal128) and name.endswith("_minor")
                else each
                for name, each in fields.items()
            }
        case _:
            return stored


def _to_decimal(minor: int) -> Decimal128:
    bits = _WHOLE << _COEFFICIENT_BITS | abs(minor)
    if minor < 0:
        bits |= _NEGATIVE
    return Decimal128.from_bid(bits.to_bytes(16, "little"))


def _to_integer(stored: Decimal128) -> int | Decimal128:
    """Return the integer that *stored* was made of; anything else, such as 1.5, 1E+2 and NaN, as it is."""
    bits = int.from_bytes(stored.bid, "little")
    exponent, coefficient = divmod(bits & ~_NEGATIVE, 1 << _COEFFICIENT_BITS)
    negative = bits & _NEGATIVE
    if exponent != _WHOLE or coefficient > AMOUNT_MINOR_MAX or (negative and not coefficient):
        return stored
    return -coefficient if negative else coefficient
