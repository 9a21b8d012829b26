"""What an account is: frozen, and checked whenever one is built."""

from collections.abc import Mapping
from datetime import date, datetime

import msgspec

from contracts.money import AMOUNT_MINOR_MAX, SCALE_MAX
from contracts.profile import email_claim
from handlers.model.chain import chain_start

NOT_BOOKED = 1
"""`Account.books` of an account last written when entries had one side only."""

BOOKED = 2
"""`Account.books` of an account whose balances all have their other side in a house account."""


class Balance(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Money in one currency, in minor units of *scale* decimals."""

    posted_minor: int
    scale: int
    held_minor: int = 0

    def __post_init__(self) -> None:
        """Check P6: available is never negative, and every value is one that can be stored."""
        assert 0 <= self.held_minor <= self.posted_minor <= AMOUNT_MINOR_MAX
        assert 0 <= self.scale <= SCALE_MAX

    @property
    def available_minor(self) -> int:
        """Money that can be withdrawn. Derived, never stored."""
        return self.posted_minor - self.held_minor


class Profile(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Who the user is. Who signs in here has an address and names."""

    email: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    phone: str | None = None
    date_of_birth: date | None = None
    marketing_consent: bool = False

    @property
    def email_claim(self) -> str | None:
        """The form under which the address is unique."""
        return None if self.email is None else email_claim(self.email)


class Account(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A user's account after `version` writes and `sequence` entries."""

    username: str
    account_id: str
    profile: Profile
    balances: Mapping[str, Balance]
    sequence: int
    """Entries so far: changes of a balance only, so that balance events have no gaps."""
    version: int
    """Writes so far; checked on every write. 0 is not stored yet."""
    writer: str
    """Who wrote last: a name that one worker uses until it loses track of what it published."""
    published_sequence: int
    """How far this account's events are known to be acknowledged by Kafka."""
    opened_at: datetime
    changed_at: datetime
    signs_in: bool = True
    """Whether its user registered. Without that it was opened for whoever others vouch for."""
    head: bytes | None = None
    """Hash of the last entry, or where their chain starts; None before the first write since then."""
    books: int = BOOKED
    """`NOT_BOOKED` until its first write since then books what it held before (P13)."""
    claim_digest: bytes | None = None
    """Of the claim that it was opened with, until somebody has taken it over."""

    def __post_init__(self) -> None:
        """Check the facts every other function relies on."""
        assert self.claim_digest is None or not self.signs_in
        assert 0 <= self.published_sequence <= self.sequence
        assert self.version >= 0

    @property
    def chain_head(self) -> bytes:
        """What the next entry carries as the hash of the one before."""
        if self.head is not None:
            return self.head
        return chain_start(self.account_id, self.sequence, self.posted_minor)

    @property
    def posted_minor(self) -> Mapping[tuple[str, int], int]:
        """What is posted, by currency and its scale."""
        return {
            (currency, balance.scale): balance.posted_minor
            for currency, balance in self.balances.items()
        }
