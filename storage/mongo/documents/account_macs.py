"""The message authentication code (MAC) of each account: who has no key can change none by hand."""

import hashlib
import hmac
from collections.abc import Sequence

import msgspec

from handlers.model.account import NOT_BOOKED, Account, Balance
from storage.mongo.documents.minor_units import INT64_MAX
from storage.ports.account_keys import TAG_BYTES, MacKey

DIGEST_BYTES = 16
"""128 bits: nobody guesses one (RFC 7693, keyed)."""

MAC_BYTES = TAG_BYTES + DIGEST_BYTES
"""In the document: which key, and what it makes of the account."""

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
        self._in_use = keys[0]
        self._known = {key.tag: key.secret for key in keys}
        self._may_lack = may_lack

    @property
    def tag(self) -> bytes:
        """What those made now begin with."""
        return self._in_use.tag

    def of(self, account: Account) -> bytes:
        """Return what stands in the document of *account*."""
        key = self._in_use
        return key.tag + _digest(account, key.secret)

    def accepts(self, account: Account, mac: bytes | None) -> bool:
        """Say whether *mac* was made for exactly this account; it may lack where there was none yet."""
        if mac is None:
            return self._may_lack and account.books == NOT_BOOKED
        secret = self._known.get(mac[:TAG_BYTES])
        if secret is None:
            return False
        return hmac.compare_digest(mac[TAG_BYTES:], _digest(account, secret))


def _digest(account: Account, secret: bytes) -> bytes:
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
            [_said(currency, balance) for currency, balance in account.balances.items()],
        )
    )
    return hashlib.blake2b(said, key=secret, digest_size=DIGEST_BYTES).digest()


def _said(currency: str, balance: Balance) -> tuple[str, int, int | str, int | str]:
    posted_minor, held_minor = balance.posted_minor, balance.held_minor
    if posted_minor <= INT64_MAX:  # never is more held than posted
        return currency, balance.scale, posted_minor, held_minor
    return currency, balance.scale, str(posted_minor), str(held_minor)
