"""What a rule may answer: something that changes an account, or why nothing does."""

from typing import TypeAlias

import msgspec

from handlers.model.account import Profile
from handlers.model.outcome import BalanceChange
from handlers.model.refused import Refused


class Opened(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A new account."""

    profile: Profile
    signs_in: bool
    """Whether a credential follows."""
    claim_digest: bytes | None = None
    """Of what it can be taken over with."""


class TakenOver(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An opened account whose user registered: a credential follows, and its claim is used up."""

    profile: Profile

    @property
    def detail(self) -> str:
        """What the audit trail says, beside that its user registered."""
        return "took over the account that was opened"


class ProfileChanged(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A profile as it is from now on."""

    profile: Profile
    fields: tuple[str, ...]
    """Names of what changed."""

    @property
    def detail(self) -> str:
        """What the audit trail says: which, never what."""
        return f"changed {', '.join(self.fields)}"


class Moved(BalanceChange, frozen=True, kw_only=True, gc=False):
    """Money that came or went; what the account counts it as is not decided here."""


Decision: TypeAlias = Opened | TakenOver | ProfileChanged | Moved | Refused
