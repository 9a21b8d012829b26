"""What an entry says, read as callers read it: from JSON."""

import hashlib
from decimal import Context, Decimal
from typing import Any

from tests.e2e.inbox import Message

EXACT = Context(prec=60)
"""Digits enough for any amount; the default context rounds at 28."""


def posted(entry: dict[str, Any], currency: str = "USD") -> str:
    """Return what there is after *entry*."""
    return entry["balances"][currency]["posted"]


def moved(entry: dict[str, Any]) -> str:
    """Return what its user gained or lost, in the one currency that it moved."""
    [amount] = [
        each["amount"] for each in entry["postings"] if each["account"] == entry["username"]
    ]
    return amount


def before(entry: dict[str, Any], currency: str = "USD") -> str:
    """Return what there was before *entry*."""
    return f"{EXACT.subtract(Decimal(posted(entry, currency)), Decimal(moved(entry))):f}"


def hash_of(event: Message) -> str:
    """Return the hash of an entry, computed from the bytes that were published."""
    assert event.value is not None
    begun, _, _ = event.value.rpartition(b',"hash":"')
    return hashlib.sha256(begun).hexdigest()
