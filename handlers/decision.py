"""What a rule may answer: something that changes an account, or why nothing does."""

from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from contracts.codes import Code
from handlers.account import Profile


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A new account."""

    profile: Profile


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileChanged:
    """A profile as it is from now on."""

    profile: Profile
    fields: tuple[str, ...]
    """Names of what changed: the audit trail says which, never what."""


class Moved(NamedTuple):
    """One balance before and after, in minor units of *scale* decimals."""

    currency: str
    scale: int
    amount_minor: int
    before_minor: int
    after_minor: int
    held_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Why nothing changes, and a sentence about it for people."""

    code: Code
    detail: str


Decision: TypeAlias = Opened | ProfileChanged | Moved | Refused
