"""The message authentication code (MAC) of each account: who has no key can change none by hand."""

import hmac
from collections.abc import Collection, Sequence
from hashlib import blake2b

import msgspec

from handlers.model.account import NOT_BOOKED, Account
from storage.mongo.documents.minor_units import INT64_MAX
from storage.ports.account_keys import TAG_BYTES, MacKey

DIGEST_BYTES = 16
"""128 bits: nobody guesses one (RFC 7693, keyed)."""

_encoded = msgspec.msgpack.Encoder().encode
"""Unambiguous, and a tenth of the time that text would take."""


class AccountMacs:
    """Makes and checks those of some accounts, with the keys of one moment.

    What it is made of: whatever decides about money, and how far it is published; not the profile,
    which decides nothing, and which a later release may add to.
    """

    __slots__ = ("_in_use", "_known", "_may_lack")

    def __init__(self, keys: Sequence[MacKey], *, may_lack: bool = True) -> None:
        """Write with the first of *keys*; an account of before may lack one where *may_lack*."""
        assert keys, "who reads accounts needs a key"
        self._in_use = keys[0].tag
        # Each is copied for an account: to begin anew with the key would cost more.
        self._known = {key.tag: blake2b(key=key.secret, digest_size=DIGEST_BYTES) for key in keys}
        self._may_lack = may_lack

    @property
    def tag(self) -> bytes:
        """What those made now begin with."""
        return self._in_use

    @property
    def tags(self) -> Collection[bytes]:
        """What those that can be checked begin with."""
        return self._known.keys()

    def of(self, account: Account) -> bytes:
        """Return what stands in the document of *account*."""
        return self._in_use + _digest(account, self._known[self._in_use])

    def accepts(self, account: Account, mac: bytes | None) -> bool:
        """Say whether *mac* was made for exactly this account; it may lack where there was none yet."""
        if mac is None:
            return self._may_lack and account.books == NOT_BOOKED
        keyed = self._known.get(mac[:TAG_BYTES])
        if keyed is None:
            return False
        return hmac.compare_digest(mac[TAG_BYTES:], _digest(account, keyed))


def _digest(account: Account, keyed: blake2b) -> bytes:
    said = _encoded(
        (
            account.username,
            account.account_id,
            account.sequence,
            account.version,
            account.writer,
            account.published_sequence,
            account.books,
            account.signs_in,
            account.claim_digest,
            account.head,
            [
                # Never is more held than posted.
                (currency, each.scale, each.posted_minor, each.held_minor)
                if each.posted_minor <= INT64_MAX
                else (currency, each.scale, str(each.posted_minor), str(each.held_minor))
                for currency, each in account.balances.items()
            ],
        )
    )
    digest = keyed.copy()
    digest.update(said)
    return digest.digest()
