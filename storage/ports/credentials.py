"""What hashing the passwords of new accounts needs of a store."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """How a user proves who they are."""

    username: str
    command_id: str
    """The command that set it: registering again never overwrites it."""
    hash: str
    created_at: datetime
    """When this hash was made, or came."""
    imported: bool = False
    """Another system made the hash: of the password as it is typed, in a format that may be none of ours.
    It is replaced at the first sign-in."""
    epoch: int = 0
    """Counted up with each change of password and each logout everywhere; tokens carry it."""
    version: int = 1
    """Writes so far; checked on every write but the first."""
    relied_on: int = 0
    """Sessions opened under it so far; checked on every write but the first, so that none of them
    is missed by a change of password or a logout everywhere."""


class Credentials(Protocol):
    """Password hashes, apart from everything else. May raise `StoreUnavailableError`."""

    async def existing(self, usernames: Collection[str]) -> Mapping[str, str]:
        """Return those of *usernames* that have a credential, and which command set it."""
        ...

    async def insert(self, credentials: Sequence[Credential]) -> None:
        """Store each durably unless its user has one; the waiting registration is done."""
        ...

    async def settle(self, usernames: Collection[str]) -> None:
        """Take *usernames*, which have a credential, off the waiting registrations."""
        ...

    async def count_pending(self, *, opened_before: datetime) -> int:
        """Return how many accounts opened before then still wait for their credential."""
        ...
