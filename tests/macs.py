"""What authenticates accounts in tests: by keys that everybody knows, or anew after an edit."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from handlers.model.account import Account
from storage.mongo.documents.account_macs import AccountMacs
from storage.mongo.documents.stored import to_account
from storage.ports.account_keys import TAG_BYTES, MacKey
from workers.keys.pairs import KeyKind
from workers.keys.ring import KeyRing


class FixedKeys:
    """Keys that do not change unless they are told to."""

    def __init__(self, *names: str) -> None:
        self.keys = [a_key(name) for name in names]

    def mac_keys(self) -> Sequence[MacKey]:
        return self.keys


def a_key(name: str) -> MacKey:
    """Return a key that everybody knows."""
    return MacKey(name.encode().ljust(TAG_BYTES, b"-")[:TAG_BYTES], name.encode().ljust(32, b"-"))


KEYS = FixedKeys("test")
MACS = AccountMacs(KEYS.mac_keys())


class _Trusting(AccountMacs):
    """Takes every account for what it says."""

    def accepts(self, account: Account, mac: bytes | None) -> bool:
        del account, mac
        return True


def keys_in(folder: Path) -> KeyRing:
    """Return the keys of accounts in *folder*."""
    return KeyRing(folder, needs=[KeyKind.MAC])


def mac_of(document: Mapping[str, Any], folder: Path) -> bytes:
    """Return the MAC that who has the keys in *folder*, or a bug of ours, would give *document*."""
    macs = _Trusting(keys_in(folder).mac_keys())
    return macs.of(to_account(document, macs))
