"""The keys that accounts in a store are authenticated with, in the store's own words."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

TAG_BYTES = 4
"""Of a key's name in each account: it chooses among the few keys there are, and proves nothing."""


class MacKey(msgspec.Struct, frozen=True, gc=False):
    """One key."""

    tag: bytes
    """The beginning of the hash of its name."""
    secret: bytes

    def __repr__(self) -> str:
        """Name the key, never show it."""
        return f"MacKey({self.tag.hex()})"


class AccountKeys(Protocol):
    """Where the keys come from."""

    def mac_keys(self) -> Sequence[MacKey]:
        """Return those that have not retired, the one in use first; it changes while they rotate."""
        ...
