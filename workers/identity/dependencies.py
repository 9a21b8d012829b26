"""What the identity worker works with."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from handlers.model.account import Account
from storage.ports.identity import Identities, Throttles
from workers.credentials.hashing import PasswordHasher
from workers.identity.options import IdentityOptions
from workers.identity.token_crypto import TokenCrypto
from workers.monitoring.metrics import Metrics


class Accounts(Protocol):
    """Where a user's e-mail address is: a new password must not be it."""

    async def account(self, username: str) -> Account | None:
        """Return the account as last committed by a majority."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityDependencies:
    """What the identity worker works with."""

    identities: Identities
    throttles: Throttles
    accounts: Accounts
    hasher: PasswordHasher
    envelopes: TokenCrypto
    clock: Callable[[], datetime]
    metrics: Metrics
    options: IdentityOptions
