"""Arithmetic with MongoDB's four types of numbers."""

from collections.abc import Callable
from decimal import ROUND_DOWN, Context, Decimal
from math import trunc as float_trunc
from typing import Any

from bson.decimal128 import Decimal128, create_decimal128_context
from bson.int64 import Int64

INT32_MAX = 2**31 - 1
INT64_MAX = 2**63 - 1

_CONTEXT: Context = create_decimal128_context()
"""34 digits, as the server computes."""


def is_number(value: object) -> bool:
    """Say whether *value* is of one of the four types."""
    return type(value) in (int, Int64, float, Decimal128)


def fitted(number: int, *operands: object) -> Any:
    """Return a sum of integers: as wide as its widest operand, wider where that is too small."""
    if not -INT64_MAX - 1 <= number <= INT64_MAX:
        return float(number)
    if any(type(each) is Int64 for each in operands):
        return Int64(number)
    return number if -INT32_MAX - 1 <= number <= INT32_MAX else Int64(number)


def decimal_of(value: Any) -> Decimal:
    """Return any number as a decimal: of a float 15 digits, as the server converts."""
    if type(value) is Decimal128:
        return value.to_decimal()
    return Decimal(f"{value:.14e}") if type(value) is float else Decimal(value)


def add(one: Any, other: Any) -> Any:
    """Return the sum, of the wider type of the two."""
    return _combined(one, other, lambda a, b: a + b, _CONTEXT.add)


def subtract(one: Any, other: Any) -> Any:
    """Return the difference, of the wider type of the two."""
    return _combined(one, other, lambda a, b: a - b, _CONTEXT.subtract)


def multiply(one: Any, other: Any) -> Any:
    """Return the product, of the wider type of the two."""
    return _combined(one, other, lambda a, b: a * b, _CONTEXT.multiply)


def divide(one: Any, other: Any) -> Any:
    """Return the quotient: a float unless one of them is a decimal."""
    if type(one) is Decimal128 or type(other) is Decimal128:
        return Decimal128(_CONTEXT.divide(decimal_of(one), decimal_of(other)))
    return float(one) / float(other)


def remainder(one: Any, other: Any) -> Any:
    """Return what a division that rounds toward zero leaves: it has the sign of *one*."""
    if type(one) is Decimal128 or type(other) is Decimal128:
        return Decimal128(_CONTEXT.remainder(decimal_of(one), decimal_of(other)))
    if type(one) is float or type(other) is float:
        return one - other * float_trunc(one / other)
    left = abs(one) % abs(other)
    return fitted(left if one >= 0 else -left, one, other)


def truncated(value: Any) -> Any:
    """Return *value* without its fraction, of the same type."""
    if type(value) is Decimal128:
        number = value.to_decimal()
        if not number.is_finite():
            return value
        return Decimal128(number.to_integral_value(ROUND_DOWN, _CONTEXT))
    return float(float_trunc(value)) if type(value) is float else value


def _combined(
    one: Any,
    other: Any,
    plain: Callable[[Any, Any], Any],
    exact: Callable[[Decimal, Decimal], Decimal],
) -> Any:
    if type(one) is Decimal128 or type(other) is Decimal128:
        return Decimal128(exact(decimal_of(one), decimal_of(other)))
    if type(one) is float or type(other) is float:
        return float(plain(float(one), float(other)))
    return fitted(plain(int(one), int(other)), one, other)
