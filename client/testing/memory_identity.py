"""The identity worker in memory: hashes passwords and keeps sessions, by the code of the real one."""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cached_property
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from weakref import finalize

from client.testing.memory_topics import MemoryTopics
from client.tokens import Claims, verify_access_token
from contracts.registration import Open, Register
from handlers.model.input_records import Judged
from storage.memory.identities import MemoryIdentities, MemoryThrottles
from storage.memory.ledger import MemoryCredentials, MemoryLedger
from storage.memory.reads import MemoryReads
from workers.consuming.records import Raw
from workers.credentials.hash_registrations import CredentialsWorker
from workers.credentials.hashing import HashingPolicy, LowPriorityPool, PasswordHasher
from workers.credentials.password_gate import PasswordGate
from workers.identity.building import identity_answerers
from workers.identity.dependencies import IdentityDependencies
from workers.identity.options import DEVICE_TOKEN, IdentityOptions
from workers.identity.token_crypto import TokenCrypto
from workers.kafka.publishing import Outgoing
from workers.keys.files import new_key
from workers.keys.pairs import KeyKind
from workers.keys.ring import KeyRing
from workers.keys.tokens import TokenIssuer
from workers.monitoring.corrupt import CorruptDocuments
from workers.monitoring.metrics import Metrics
from workers.monitoring.progress import Progress
from workers.requests.answering import Answerer

ISSUER = "accounts"
"""Who issues access tokens, and for whom: what the service is configured to by default."""

CHEAP = HashingPolicy(bcrypt_rounds=4)
"""The least that bcrypt takes: a test has no secrets to keep."""


class IdentityInMemory:
    """Keys, passwords and sessions; all of it is made when it is first needed."""

    def __init__(
        self,
        ledger: MemoryLedger,
        topics: MemoryTopics,
        prefix: str,
        metrics: Metrics,
        clock: Callable[[], datetime],
    ) -> None:
        self.credentials = MemoryCredentials(ledger)
        self._ledger = ledger
        self._topics = topics
        self._prefix = prefix
        self._metrics = metrics
        self._clock = clock

    @cached_property
    def ring(self) -> KeyRing:
        """The keys: of this fake alone, and gone with it."""
        folder = mkdtemp(prefix="accounts-keys-")
        finalize(self, rmtree, folder, ignore_errors=True)
        keys = Path(folder, "keys")
        for kind in KeyKind:
            new_key(keys, self._clock(), kind)
        return KeyRing(keys, clock=self._clock)

    async def verdicts(self, commands: Sequence[Open | Register]) -> Sequence[Judged]:
        """Judge what is sealed, as the ledger worker does before it decides."""
        return await PasswordGate(self.ring, self._pool).verdicts(commands)

    async def hash(self, record: Raw) -> None:
        """Hash the password in a *record* of accepted registrations, and answer it."""
        await self._hashing.process([record])

    async def publish(self, answer: Outgoing, reply_to: str | None = None) -> None:
        """Take what the registration is answered once its password is hashed."""
        self._topics.append(reply_to or answer.topic, answer.key, answer.value, [*answer.headers])

    async def publish_all(self, answers: Sequence[tuple[Outgoing, str | None]]) -> None:
        """Take what several registrations are answered."""
        for answer, reply_to in answers:
            await self.publish(answer, reply_to)

    @cached_property
    def answerer(self) -> Answerer:
        """Who answers sign-ins and what belongs to sessions."""
        issuer = TokenIssuer(
            ring=self.ring,
            issuer=ISSUER,
            audience=ISSUER,
            access_token_s=int(IdentityOptions().access_token.total_seconds()),
            device_token_s=int(DEVICE_TOKEN.total_seconds()),
        )
        sign_ins, _ = identity_answerers(
            IdentityDependencies(
                identities=MemoryIdentities(self.credentials),
                throttles=MemoryThrottles(),
                accounts=self._ledger,
                hasher=self._hasher,
                envelopes=TokenCrypto(self.ring, issuer, self._claims, self._pool),
                clock=self._clock,
                metrics=self._metrics,
                options=IdentityOptions(prefix=self._prefix),
            )
        )
        return sign_ins

    @cached_property
    def _pool(self) -> LowPriorityPool:
        return LowPriorityPool("accounts-fake", 1, niceness=0)

    @cached_property
    def _hasher(self) -> PasswordHasher:
        return PasswordHasher(CHEAP, self._pool)

    @cached_property
    def _hashing(self) -> CredentialsWorker:
        return CredentialsWorker(
            credentials=self.credentials,
            reads=MemoryReads(self._ledger),
            hasher=self._hasher,
            ring=self.ring,
            answers=self,
            progress=Progress("identity"),
            metrics=self._metrics,
            corrupt=CorruptDocuments(self._metrics),
            clock=self._clock,
            prefix=self._prefix,
        )

    def _claims(self, token: str, now: datetime) -> Claims:
        return verify_access_token(token, self.ring.jwks(), issuer=ISSUER, audience=ISSUER, now=now)
