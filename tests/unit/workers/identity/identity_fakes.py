"""What stands around an identity worker in tests, with handles to count and to fail."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

from joserfc import jwe
from joserfc.jwk import OKPKey

from contracts.sealing import ALGORITHM, ENCRYPTION
from handlers.model.account import Account
from storage.memory.identities import MemoryIdentities
from storage.memory.ledger import MemoryCredentials
from storage.ports.credentials import Credential
from storage.ports.errors import StoreUnavailableError
from storage.ports.identity import IdentityChanges
from workers.credentials.hashing import HashingPolicy, LowPriorityPool, PasswordHasher
from workers.kafka.publishing import Outgoing
from workers.requests.answering import AnsweredRequest

REGISTRY = jwe.JWERegistry(algorithms=[ALGORITHM, ENCRYPTION], strict_check_header=False)


class Hasher(PasswordHasher):
    """Counts what it verifies and makes."""

    def __init__(self, policy: HashingPolicy, pool: LowPriorityPool) -> None:
        super().__init__(policy, pool)
        self.verified: list[str | None] = []
        self.hashes = 0

    def verify_here(self, password: str, known: str | None) -> bool:
        self.verified.append(known)
        return super().verify_here(password, known)

    async def hash(self, password: str) -> str:
        self.hashes += 1
        return await super().hash(password)


class Identities(MemoryIdentities):
    """Fails when told, and lets others come between reading and writing."""

    def __init__(self, credentials: MemoryCredentials) -> None:
        super().__init__(credentials)
        self.away_for: set[str] = set()
        self.credentials_away = 0
        """How many of the next reads of a credential fail."""
        self.failures: list[Exception] = []
        """Raised by the next writes, first to last, instead of writing."""
        self.lost_answers: list[Exception] = []
        """Raised by the next writes, after they wrote."""
        self.between: Callable[[], None] | None = None
        """Called once, before the next write."""
        self.applied: list[IdentityChanges] = []

    async def credential(self, username: str) -> Credential | None:
        if self.credentials_away:
            self.credentials_away -= 1
            raise StoreUnavailableError("away")
        return await super().credential(username)

    async def answered(self, request: str) -> Any:
        await asyncio.sleep(0)
        if request.partition(":")[0] in self.away_for:
            raise StoreUnavailableError("away")
        return await super().answered(request)

    async def apply(self, changes: IdentityChanges) -> None:
        await asyncio.sleep(0)
        between, self.between = self.between, None
        if between is not None:
            between()
        if self.failures:
            raise self.failures.pop(0)
        await super().apply(changes)
        self.applied.append(changes)
        if self.lost_answers:
            raise self.lost_answers.pop(0)


class Accounts(dict[str, Account]):
    """Accounts by username."""

    async def account(self, username: str) -> Account | None:
        return self.get(username)


class Answer:
    """One answered request, as its caller sees it."""

    def __init__(self, said: AnsweredRequest, key: OKPKey) -> None:
        self.said = said
        self.body: dict[str, Any] = json.loads(said.reply.value)
        self.status: str = self.body["status"]
        self.code: str | None = self.body.get("error", {}).get("code")
        self._key = key

    @property
    def tokens(self) -> dict[str, Any]:
        opened = jwe.decrypt_compact(self.body["sealed_tokens"], self._key, registry=REGISTRY)
        assert opened.plaintext is not None
        return json.loads(opened.plaintext)

    @property
    def audited(self) -> list[dict[str, Any]]:
        return [json.loads(each.value) for each in self._beside("accounts.events.audit")]

    @property
    def revoked(self) -> list[dict[str, Any]]:
        return [json.loads(each.value) for each in self._beside("accounts.state.revocations")]

    def _beside(self, topic: str) -> list[Outgoing]:
        return [each for each in self.said.beside if each.topic == topic]
