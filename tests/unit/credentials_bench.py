"""A credentials worker with everything around it in reach, for tests."""

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from aiokafka import ConsumerRecord, TopicPartition

from contracts.registration import PendingCredential
from storage.ports import Credential, Credentials, StoreUnavailableError
from tests.unit.sealed import CANARY, NOON, a_blob, a_ring
from tests.unit.test_hashing import CHEAP
from workers.consuming.records import Raw
from workers.credentials import CredentialsWorker
from workers.hashing import PasswordHasher, QuietPool
from workers.keys import KeyRing
from workers.metrics import Metrics
from workers.progress import Progress
from workers.publishing import Outgoing, PublishError

TOPIC = "accounts.internal.credentials"
FIRST = TopicPartition(TOPIC, 0)
RESULT = {"username": "alice", "status": "accepted", "command_id": "1"}


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

    async def existing(self, usernames: Collection[str]) -> Collection[str]:
        self._called("existing")
        return {name for name in usernames if name in self.stored}

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

    def usernames(self) -> list[str]:
        return [(answer.key or b"").decode() for answer, _ in self.sent]


class Bench:
    """A worker with everything around it in reach."""

    def __init__(self, directory: Path, pool: QuietPool) -> None:
        self.now_s = 1000.0
        self.keys = directory
        a_ring(directory)
        self.ring = KeyRing(directory, clock_s=lambda: self.now_s)
        self.pool = pool
        self.credentials = RecordingCredentials()
        self.answers = RecordingAnswers()
        self.progress = Progress("identity")
        self.metrics = Metrics()
        self.worker = self.another_worker()

    def another_worker(self, credentials: Credentials | None = None) -> CredentialsWorker:
        return CredentialsWorker(
            credentials=credentials or self.credentials,
            hasher=PasswordHasher(CHEAP, self.pool),
            ring=self.ring,
            answers=self.answers,
            progress=self.progress,
            metrics=self.metrics,
            clock=lambda: NOON,
            clock_s=lambda: self.now_s,
        )

    def waiting(self, offset: int = 0, username: str = "alice", **other: Any) -> Raw:
        fields: dict[str, Any] = {
            "command_id": "1",
            "username": username,
            "sealed_password": a_blob(self.ring, username=username),
            "result": RESULT | {"username": username},
            "headers": {"correlation_id": "c-1"},
        }
        pending = PendingCredential(**(fields | other))
        return a_record(pending.model_dump_json().encode(), offset, key=username.encode())

    def buried(self) -> list[dict[str, str]]:
        return [
            {name: (value or b"").decode() for name, value in answer.headers}
            for answer, _ in self.answers.sent
            if answer.topic == "accounts.dead-letters"
        ]


def a_record(
    value: bytes | None, offset: int = 0, key: bytes | None = b"alice", partition: int = 0
) -> Raw:
    return ConsumerRecord(
        topic=TOPIC,
        partition=partition,
        offset=offset,
        timestamp=1_893_499_200_000,
        timestamp_type=1,
        key=key,
        value=value,
        checksum=None,
        serialized_key_size=len(key or b""),
        serialized_value_size=len(value or b""),
        headers=(),
    )
