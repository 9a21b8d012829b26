"""A credentials worker with everything around it in reach, for tests."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from aiokafka import TopicPartition

from contracts.registration import PendingCredential
from handlers.model.outcome import Outcome, outcome_id
from storage.memory.ledger import MemoryLedger
from storage.memory.reads import MemoryReads
from storage.ports.credentials import Credential, Credentials
from storage.ports.errors import StoreUnavailableError
from storage.ports.reads import Reads
from tests.builders import an_outcome
from tests.consumed import consumed
from tests.unit.sealed import CANARY, NOON, a_blob, a_ring
from tests.unit.workers.credentials.test_hashing import CHEAP
from workers.consuming.records import Raw
from workers.credentials.hash_registrations import CredentialsWorker
from workers.credentials.hashing import LowPriorityPool, PasswordHasher
from workers.kafka.publishing import Outgoing, PublishError
from workers.keys.ring import KeyRing
from workers.keys.sealing import vouch
from workers.monitoring.corrupt import CorruptDocuments
from workers.monitoring.metrics import Metrics
from workers.monitoring.progress import Progress

TOPIC = "accounts.internal.credentials"
FIRST = TopicPartition(TOPIC, 0)
ANSWER = {
    "command_id": "1",
    "username": "alice",
    "type": "register",
    "status": "accepted",
    "duplicate": False,
    "decided_at": "2030-01-01T12:00:00.123Z",
    "account_id": "id-of-alice",
}
"""What the registration of alice that the ledger recorded is answered."""


class RecordingCredentials:
    """Keeps what it is given, unless it is away or broken."""

    def __init__(self) -> None:
        self.stored: dict[str, Credential] = {}
        self.settled: set[str] = set()
        self.calls: Counter[str] = Counter()
        self.away = False
        self.broken_for: set[str] = set()

    def _called(self, name: str) -> None:
        self.calls[name] += 1
        if self.away:
            raise StoreUnavailableError("away")

    async def existing(self, usernames: Collection[str]) -> Mapping[str, str]:
        self._called("existing")
        return {name: self.stored[name].command_id for name in usernames if name in self.stored}

    async def insert(self, credentials: Sequence[Credential]) -> None:
        self._called("insert")
        for credential in credentials:
            if credential.username in self.broken_for:
                raise ZeroDivisionError(CANARY)
            self.stored.setdefault(credential.username, credential)
            self.settled.add(credential.username)

    async def settle(self, usernames: Collection[str]) -> None:
        self._called("settle")
        self.settled |= set(usernames)

    async def count_pending(self, *, opened_before: datetime) -> int:
        del opened_before
        return 0


class RecordingAnswers:
    """Keeps what it is given, unless Kafka is away."""

    def __init__(self) -> None:
        self.sent: list[tuple[Outgoing, str | None]] = []
        self.away = False

    async def publish(self, answer: Outgoing, reply_to: str | None = None) -> None:
        if self.away:
            raise PublishError("away")
        self.sent.append((answer, reply_to))

    async def publish_all(self, answers: Sequence[tuple[Outgoing, str | None]]) -> None:
        for answer, reply_to in answers:
            await self.publish(answer, reply_to)

    def usernames(self) -> list[str]:
        return [(answer.key or b"").decode() for answer, _ in self.sent]


class HashingInMemory:
    """A worker with everything around it in reach."""

    def __init__(self, directory: Path, pool: LowPriorityPool) -> None:
        self.now_s = 1000.0
        self.keys = directory
        a_ring(directory)
        self.ring = KeyRing(directory, clock_s=lambda: self.now_s)
        self.pool = pool
        self.credentials = RecordingCredentials()
        self.ledger = MemoryLedger()
        """Where the registrations are recorded."""
        self.answers = RecordingAnswers()
        self.progress = Progress("identity")
        self.metrics = Metrics()
        self._blobs: dict[str, str] = {}
        self.worker = self.another_worker()

    def another_worker(
        self, credentials: Credentials | None = None, reads: Reads | None = None
    ) -> CredentialsWorker:
        return CredentialsWorker(
            credentials=credentials or self.credentials,
            reads=reads or MemoryReads(self.ledger),
            hasher=PasswordHasher(CHEAP, self.pool),
            ring=self.ring,
            answers=self.answers,
            progress=self.progress,
            metrics=self.metrics,
            corrupt=CorruptDocuments(self.metrics),
            clock=lambda: NOON,
            clock_s=lambda: self.now_s,
        )

    def record(self, username: str = "alice", command_id: str = "1", **changed: Any) -> Outcome:
        """Record that the ledger accepted the registration of *username*."""
        outcome = an_outcome(username, command_id, **changed)
        self.ledger.commits += 1
        self.ledger.outcomes.put(outcome.id, outcome, self.ledger.commits)
        return outcome

    def waiting(self, offset: int = 0, username: str = "alice", **other: Any) -> Raw:
        """Return a registration as the ledger passes it on, recorded unless it is already."""
        stored = self.ledger.outcomes.get(outcome_id(username, "1"), self.ledger.commits)
        recorded = stored or self.record(username)
        return self.forged(offset, username, voucher=self.voucher(recorded, **other), **other)

    def voucher(
        self, recorded: Outcome, sealed_password: str = "", ring: KeyRing | None = None, **_: Any
    ) -> str | None:
        """Return what a ledger worker says of the password, by default the usual one."""
        return vouch(
            sealed_password or self.blob(recorded.username),
            ring or self.ring,
            command_id=recorded.command_id,
            username=recorded.username,
            fingerprint=recorded.fingerprint,
        )

    def blob(self, username: str) -> str:
        """Return the usual password of *username*, sealed once."""
        if username not in self._blobs:
            self._blobs[username] = a_blob(self.ring, username=username)
        return self._blobs[username]

    def forged(self, offset: int = 0, username: str = "alice", **other: Any) -> Raw:
        """Return a record that anybody might have written who knows how they look."""
        fields: dict[str, Any] = {
            "command_id": "1",
            "username": username,
            "sealed_password": self.blob(username),
            "result": ANSWER | {"username": username},
            "headers": {"correlation_id": "1"},
        }
        pending = PendingCredential(**(fields | other))
        return a_record(pending.model_dump_json().encode(), offset, key=username.encode())

    def buried(self) -> list[dict[str, str]]:
        return [
            {name: (value or b"").decode() for name, value in answer.headers}
            for answer, _ in self.answers.sent
            if answer.topic == "accounts.dead-letters"
        ]


def a_record(value: bytes | None, offset: int = 0, key: bytes | None = b"alice") -> Raw:
    return consumed(TOPIC, value, key=key, offset=offset, partition=0)
