"""How MongoDB adds up what accounts hold, without rounding; and what cannot be counted."""

from collections.abc import Mapping, Sequence
from typing import Any

from bson.decimal128 import Decimal128

from contracts.money import SCALE_MAX
from handlers.model.account import BOOKED, NOT_BOOKED
from handlers.model.schema import FIRST, NEWEST, OLDEST
from storage.mongo.documents.account_macs import DIGEST_BYTES
from storage.mongo.documents.accounts import Document

LIMB_MINOR = 10**14
"""Amounts are added in two parts, above and below this. Each part of an amount within
`COUNTED_MINOR_MAX` has 16 digits at most, so that even 10^18 of them keep to the 34 digits that MongoDB adds
exactly; a sum of whole integers turns into a float beyond 2^63."""

COUNTED_MINOR_MAX = 10**30
"""Further from zero than any balance may be: more than that is damaged, and not counted."""

BOOKED_STATE, NOT_BOOKED_STATE, UNREADABLE_STATE = "booked", "not booked", "unreadable"

_POSTED, _SCALE, _CURRENCY = "$$this.posted_minor", "$$this.scale", "$$this.currency"


def _is_a(kinds: Sequence[str], value: str, *, then: Document) -> Document:
    """Return whether *value* is of one of these types, and *then* holds, which may fail for others."""
    return {"$cond": [{"$in": [{"$type": value}, list(kinds)]}, then, False]}


def _within(value: str, low: int, high: int) -> Document:
    least, most = Decimal128(str(low)), Decimal128(str(high))
    whole: Document = {"$eq": [value, {"$trunc": value}]}
    return {"$and": [{"$gte": [value, least]}, {"$lte": [value, most]}, whole]}


_BALANCE_IS_READABLE: Document = {
    "$and": [
        _is_a(
            ("int", "long", "decimal"),
            _POSTED,
            then=_within(_POSTED, -COUNTED_MINOR_MAX, COUNTED_MINOR_MAX),
        ),
        _is_a(("int", "long"), _SCALE, then=_within(_SCALE, 0, SCALE_MAX)),
        {"$eq": [{"$type": _CURRENCY}, "string"]},
    ]
}
_BALANCES: Document = {"$cond": [{"$isArray": "$balances"}, "$balances", [None]]}
_IS_READABLE: Document = {
    "$allElementsTrue": [{"$map": {"input": _BALANCES, "in": _BALANCE_IS_READABLE}}]
}
_IS_KNOWN: Document = {"$in": [{"$ifNull": ["$schema", FIRST]}, list(range(OLDEST, NEWEST + 1))]}
_STATE: Document = {
    "$switch": {
        "branches": [
            {
                "case": {"$in": [{"$ifNull": ["$books", NOT_BOOKED]}, [NOT_BOOKED]]},
                "then": NOT_BOOKED_STATE,
            },
            {
                "case": {"$and": [{"$eq": ["$books", BOOKED]}, _IS_KNOWN, _IS_READABLE]},
                "then": BOOKED_STATE,
            },
        ],
        "default": UNREADABLE_STATE,
    }
}
_MINOR = "$balances.posted_minor"
_LIMB = Decimal128(str(LIMB_MINOR))
"""A decimal, so that both parts are decimals, whatever the amount is stored as."""


OTHER_KEY = "other_key"


def adding(accounts: Document, tag: bytes) -> list[Document]:
    """Return the stages that count and add up the *accounts*, a query: one document comes out.

    It also says how many have no MAC by the key with this *tag*.
    """
    high: Document = {"$trunc": {"$divide": [_MINOR, _LIMB]}}
    return [
        {"$match": accounts},
        {"$project": {"balances": 1, "state": _STATE, OTHER_KEY: {"$not": [_has_mac_by(tag)]}}},
        {
            "$facet": {
                "counts": [{"$group": {"_id": "$state", "accounts": {"$sum": 1}}}],
                OTHER_KEY: [{"$match": {OTHER_KEY: True}}, {"$count": "accounts"}],
                "sums": [
                    {"$match": {"state": BOOKED_STATE}},
                    {"$unwind": "$balances"},
                    {
                        "$group": {
                            "_id": {"currency": "$balances.currency", "scale": "$balances.scale"},
                            "high": {"$sum": high},
                            "low": {"$sum": {"$mod": [_MINOR, _LIMB]}},
                        }
                    },
                ],
            }
        },
    ]


def _has_mac_by(tag: bytes) -> Document:
    """Return whether there is a MAC that begins with *tag*: bytes of one length sort by their values."""
    least, most = tag + bytes(DIGEST_BYTES), tag + b"\xff" * DIGEST_BYTES
    return {"$and": [{"$gte": ["$mac", least]}, {"$lte": ["$mac", most]}]}


def joined(group: Mapping[str, Any]) -> int:
    """Return the sum of which a group of `adding` has the two parts."""
    high, low = (int(group[part].to_decimal()) for part in ("high", "low"))
    return high * LIMB_MINOR + low
