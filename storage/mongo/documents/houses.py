"""Rows of house sums as MongoDB documents and back."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

import msgspec
from bson.decimal128 import Decimal128
from msgspec.structs import replace

from contracts.money import SCALE_MAX
from handlers.model.corrupt import CorruptDocument
from handlers.model.house import ROW_MINOR_MAX, HouseRow, house_account
from storage.mongo.documents.accounts import Document
from storage.mongo.documents.stored import corrupt, shaped, utc
from storage.ports.errors import CorruptDocumentError


class _StoredRow(msgspec.Struct, frozen=True, gc=False):
    writer: str
    house: str
    currency: str
    scale: Annotated[int, msgspec.Meta(ge=0, le=SCALE_MAX)]
    sum: Decimal128
    changed_at: datetime
    id: str = msgspec.field(name="_id")


def added(row: HouseRow) -> Document:
    """Return the update that adds the sum of *row* to what is stored under its id, if anything is."""
    return {
        "q": {"_id": row.id},
        "u": {
            "$inc": {"sum": Decimal128(str(row.sum_minor))},
            "$set": {"changed_at": row.changed_at},
            "$setOnInsert": {
                "writer": row.writer,
                "house": row.house,
                "currency": row.currency,
                "scale": row.scale,
            },
        },
        "upsert": True,
    }


def row_or_corrupt(document: Mapping[str, Any]) -> HouseRow | CorruptDocument:
    """Return the row that `added` wrote, or what is wrong with it."""
    try:
        return _to_row(document)
    except CorruptDocumentError as error:
        house = document.get("house")
        named = house_account(house) if isinstance(house, str) else ""
        return replace(error.document, username=named)


def _to_row(document: Mapping[str, Any]) -> HouseRow:
    stored = shaped(document, _StoredRow, "houses")
    row = HouseRow(
        writer=stored.writer,
        house=stored.house,
        currency=stored.currency,
        scale=stored.scale,
        sum_minor=_whole(document, stored.sum.to_decimal()),
        changed_at=utc(stored.changed_at),
    )
    if row.id != stored.id:
        raise corrupt(document, "houses", "_id")
    return row


def _whole(document: Mapping[str, Any], found: Decimal) -> int:
    """Return minor units; what is no whole number of them, or may have been rounded, is corrupt."""
    # By integers: `abs` of a decimal rounds it to the 28 digits of the default context.
    minor = int(found) if found.is_finite() else None
    if minor is None or minor != found or abs(minor) > ROW_MINOR_MAX:
        raise corrupt(document, "houses", "sum")
    return minor
