"""How MongoDB tells values of different types apart, and orders them."""

from collections.abc import Hashable
from datetime import datetime, timedelta
from enum import Enum
from math import isnan
from typing import Any, Final, TypeGuard, cast

import bson
from bson.datetime_ms import DatetimeMS
from bson.decimal128 import Decimal128
from bson.int64 import Int64
from bson.objectid import ObjectId
from bson.timestamp import Timestamp

from storage.mongo.documents.accounts import CODEC, Document
from tests.simulation.mongo.refusals import NotHereError


class Absent(Enum):
    """The type of a field that is not there."""

    ABSENT = 0


ABSENT: Final = Absent.ABSENT

NUMBERS = (int, float, Decimal128)
EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - as the server's: naive, in UTC
MILLISECOND = timedelta(milliseconds=1)

_NAN = 1
"""Where NaN stands: below every other number."""

_RANKS: dict[type, int] = {
    Absent: 0,
    type(None): 0,
    int: 2,
    Int64: 2,
    float: 2,
    Decimal128: 2,
    str: 3,
    dict: 4,
    list: 5,
    bytes: 6,
    ObjectId: 7,
    bool: 8,
    datetime: 9,
    DatetimeMS: 9,
    Timestamp: 10,
}
_TYPES: dict[type, str] = {
    Absent: "missing",
    type(None): "null",
    Int64: "long",
    int: "int",
    float: "double",
    Decimal128: "decimal",
    str: "string",
    dict: "object",
    list: "array",
    bytes: "binData",
    ObjectId: "objectId",
    bool: "bool",
    datetime: "date",
    DatetimeMS: "date",
    Timestamp: "timestamp",
}


def decoded(raw: bytes) -> Document:
    """Return a document as it is read from its bytes."""
    return bson.decode(raw, CODEC)  # pyright: ignore[reportUnknownMemberType]


def is_list(value: object) -> TypeGuard[list[Any]]:
    """Say whether *value* is a list."""
    return type(value) is list


def is_document(value: object) -> TypeGuard[Document]:
    """Say whether *value* is a document."""
    return type(value) is dict


def rank(value: object) -> int:
    """Return where values of this type stand among those of others; comparable types share one."""
    found = _RANKS.get(type(value))
    if found is None:
        raise NotHereError(f"values of type {type(value).__name__}")
    return found


def type_name(value: object) -> str:
    """Return what `$type` calls it."""
    rank(value)
    return _TYPES[type(value)]


def order(value: Any) -> tuple[Any, ...]:
    """Return what compares, and hashes, as MongoDB compares values."""
    kind = cast("type[Any]", type(value))
    if kind is str:
        return (3, value)
    place = rank(value)
    if place == 2:
        return _number(value)
    if kind is dict:
        fields = tuple((rank(each), name, order(each)) for name, each in value.items())
        return (4, fields)
    if kind is list:
        return (5, tuple(order(each) for each in value))
    if kind is bytes:
        return (6, len(value), value)
    if place == 9:
        return (9, milliseconds(value))
    if kind is Timestamp:
        return (10, value.time, value.inc)
    return (place, 0 if place == 0 else value)


def _number(value: Any) -> tuple[Any, ...]:
    number = value.to_decimal() if type(value) is Decimal128 else value
    is_nan = type(number) is not int and isnan(number)
    return (_NAN, 0) if is_nan else (2, number)


def milliseconds(moment: datetime | DatetimeMS) -> int:
    """Return a date as it is stored: milliseconds since 1970."""
    if isinstance(moment, DatetimeMS):
        return int(moment)
    return (moment - EPOCH) // MILLISECOND


def key_of(value: Any) -> Hashable:
    """Return what is the same for values that are equal to MongoDB, whatever their types."""
    return value if type(value) is str else order(value)


def equal(one: Any, other: Any) -> bool:
    """Say whether MongoDB takes the two for equal: an absent field is null."""
    if type(one) is str and type(other) is str:
        return one == other
    return order(one) == order(other)
