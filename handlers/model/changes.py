"""What one lane of a cycle writes: all of it, or nothing."""

from collections.abc import Sequence

import msgspec

from handlers.model.account import Account
from handlers.model.house import HouseRow
from handlers.model.outcome import Outcome


class EmailClaim(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An address (in its unique form) and who uses it."""

    email: str
    username: str


class NameClaim(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A sign-in name, and the first user whose name it is but for case."""

    name: str
    username: str


class Owners(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Who has claimed what no two users may have."""

    emails: dict[str, str] = msgspec.field(default_factory=dict[str, str])
    names: dict[str, str] = msgspec.field(default_factory=dict[str, str])


class Changes(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Stored in one transaction or not at all."""

    accounts: Sequence[Account]
    """Each as it is now, its version one above the stored one; version 1 is inserted."""
    outcomes: Sequence[Outcome]
    released: Sequence[EmailClaim]
    """Claims given up: deleted first."""
    claimed: Sequence[EmailClaim]
    """Claims taken, in decided order."""
    names: Sequence[NameClaim]
    """Claims taken, which are never given up."""
    registered: Sequence[Account]
    """Accounts that now wait for their credential."""
    houses: Sequence[HouseRow] = ()
    """What is added to the house rows with these ids: the other side of all that is moved here."""

    def __bool__(self) -> bool:
        """Whether there is anything to write."""
        return bool(self.accounts or self.outcomes)
