"""Repairs as MongoDB documents and back, and what can be read of an account that is damaged."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Literal, cast

import msgspec

from handlers.history.rebuilding import NEEDED, Remains
from handlers.history.repair import Repair
from handlers.model.account import NOT_BOOKED, Balance
from handlers.model.unpublished import EntryRange
from storage.mongo.documents.account_macs import AccountMacs
from storage.mongo.documents.accounts import Document, present
from storage.mongo.documents.minor_units import with_integers
from storage.mongo.documents.stored import (
    ClaimDigest,
    Hash,
    Natural,
    StoredBalance,
    to_account,
    to_balances,
    utc,
)
from storage.ports.errors import CorruptDocumentError

PROFILE = {
    "email": str,
    "first_name": str,
    "last_name": str,
    "phone": str,
    "date_of_birth": date,
    "marketing_consent": bool,
}


def from_repair(repair: Repair) -> Document:
    """Return *repair* as stored."""
    document = {"_id": repair.id, **present(repair, ("username", "at", "detail", "actor"))}
    if repair.published is not None:
        document["published"] = {"after": repair.published.after, "up_to": repair.published.up_to}
    return document


def to_repair(document: Mapping[str, Any]) -> Repair:
    """Return the repair that `from_repair` stored."""
    published = document.get("published")
    return Repair(
        id=document["_id"],
        username=document["username"],
        at=utc(document["at"]),
        detail=document["detail"],
        actor=document.get("actor"),
        published=None
        if published is None
        else EntryRange(
            username=document["username"], after=published["after"], up_to=published["up_to"]
        ),
    )


def to_remains(document: Mapping[str, Any] | None, macs: AccountMacs) -> Remains:
    """Return every field of an account's document that can be read, each by itself."""
    if document is None:
        return Remains(is_there=False)
    read: dict[str, Any] = {}
    damaged = set[str]()
    shapes: dict[str, Any] = {
        "account_id": str,
        "sequence": Natural,
        "version": Natural,
        "published_sequence": Natural,
        "writer": str,
        "opened_at": datetime,
        "changed_at": datetime,
        "signs_in": bool,
        "books": Literal[1, 2],
    }
    if document.get("head") is not None:  # not yet, before the first write since there are hashes
        shapes["head"] = Hash
    document = {"signs_in": True, "books": NOT_BOOKED, **document}
    for name, shape in shapes.items():
        _read(document, name, shape, read, damaged)
    if document.get("claim_digest") is not None:
        _read(document, "claim_digest", ClaimDigest, read, damaged)
    balances = _balances(document)
    if balances is None:
        damaged.add("balances")
    profile = _profile(document, damaged)
    read.pop("writer", None)
    for name in ("opened_at", "changed_at"):
        if name in read:
            read[name] = utc(read[name])
    if not damaged:
        damaged |= _contradictions(document, macs)
    if damaged and document.get("claim_digest") is not None:
        damaged.add("claim_digest")  # no MAC says any more that it is the opener's
    return Remains(
        is_there=True, balances=balances, profile=profile, damaged=frozenset(damaged), **read
    )


def _read(
    document: Mapping[str, Any], name: str, shape: Any, read: dict[str, Any], damaged: set[str]
) -> None:
    try:
        read[name] = msgspec.convert(document.get(name), shape, builtin_types=(bytes, datetime))
    except msgspec.ValidationError:
        damaged.add(name)


def _profile(document: Mapping[str, Any], damaged: set[str]) -> dict[str, Any]:
    stored = document.get("profile")
    read: dict[str, Any] = {}
    for name, shape in PROFILE.items():
        if not isinstance(stored, dict):
            damaged.add(f"profile.{name}")
            continue
        fields = cast("Document", stored)
        needed = name in NEEDED and document["signs_in"] is not False
        if fields.get(name) is not None or needed:
            lost = set[str]()
            _read(fields, name, shape, read, lost)
            damaged.update(f"profile.{each}" for each in lost)
    return read


def _balances(document: Mapping[str, Any]) -> Mapping[str, Balance] | None:
    try:
        stored = with_integers(document.get("balances"))
        return to_balances(msgspec.convert(stored, list[StoredBalance]))
    except (msgspec.ValidationError, AssertionError):
        return None


def _contradictions(document: Mapping[str, Any], macs: AccountMacs) -> set[str]:
    """Return which field contradicts others, where each by itself can be read."""
    try:
        to_account(document, macs)
    except CorruptDocumentError as error:
        return {error.document.field}
    return set()
