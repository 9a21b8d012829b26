"""The chain of an account's entries: each carries the hash of the one before (P18)."""

import hashlib
from collections.abc import Mapping

from contracts.money import to_amount

HASH_BYTES = 32
"""Of SHA-256."""

START = 0
"""Sequence behind which the chain of a new account begins."""


def chain_start(
    account_id: str,
    sequence: int = START,
    posted_minor: Mapping[tuple[str, int], int] | None = None,
) -> bytes:
    """Return what the first entry behind *sequence* carries as the hash of the one before.

    It stands for all that was before the chain: the account, its sequence, and what it had posted,
    by currency and scale.
    """
    had = sorted((posted_minor or {}).items())
    lines = [
        account_id,
        str(sequence),
        *(f"{currency} {to_amount(minor, scale)}" for (currency, scale), minor in had if minor),
    ]
    return hashlib.sha256("\n".join(lines).encode()).digest()


def chained(value: bytes) -> tuple[bytes, bytes]:
    """Return the entry *value*, a JSON object, with its hash as the last member; and that hash."""
    begun = value[:-1]
    digest = hashlib.sha256(begun).digest()
    return begun + b',"hash":"' + digest.hex().encode() + b'"}', digest
