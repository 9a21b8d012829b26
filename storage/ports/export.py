"""What whoever moves out needs of a store."""

from collections.abc import AsyncIterator
from typing import NamedTuple, Protocol

from handlers.model.account import Account
from handlers.model.corrupt import CorruptDocument
from storage.ports.credentials import Credential


class StoredUser(NamedTuple):
    """An account, and how its user signs in."""

    account: Account | CorruptDocument
    credential: Credential | CorruptDocument | None
    """None where its user does not sign in here, waits for the password to be hashed, or nobody asked."""


class Export(Protocol):
    """Everybody, by username."""

    def users(self, *, with_credentials: bool) -> AsyncIterator[StoredUser]:
        """Yield all as of one moment, read piece by piece.

        Raises:
            StoreUnavailableError: It cannot be read.
            NotMeasuredError: It took longer than the store remembers how things were.
        """
        ...
