"""Records for each reader, what starts one process on them, and what must hold in the end."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import orjson
from aiokafka import TopicPartition

from contracts.requests import QUERIES
from contracts.topics import CREDENTIALS, DEPOSIT, GET_BALANCE, ORDERED, REGISTER, WITHDRAW
from handlers.ledger.batch import PerCommand
from handlers.model.input_records import Judged
from handlers.model.rules import Rules
from handlers.model.schema import NEWEST
from storage.memory.ledger import MemoryCredentials, MemoryLedger
from storage.memory.reads import MemoryReads
from tests.builders import NOON, an_account, an_outcome
from tests.ports.written import write
from tests.received import PREFIX, RULES
from tests.unit.raw import DEPOSIT_BODY, REGISTER_BODY, a_raw
from tests.unit.workers.bootstrap.simulated_process import (
    OPTIONS,
    SimulatedEnds,
    SimulatedPublisher,
    SimulatedReplies,
    Topics,
    Tripwire,
)
from tests.unit.workers.credentials.in_memory import HashingInMemory
from tests.unit.workers.credentials.test_hashing import CHEAP
from tests.unit.workers.requests.requests_in_memory import HERS, EventLog, TellingAnswerer
from workers.batches.answers import Answering
from workers.batches.membership import Membership
from workers.consuming.records import Raw
from workers.credentials.hash_registrations import CredentialsWorker
from workers.credentials.hashing import LowPriorityPool, PasswordHasher
from workers.credentials.reader import CredentialsReader
from workers.ledger.conclude import guarded
from workers.ledger.dependencies import LedgerDependencies
from workers.ledger.engine import Engine
from workers.monitoring.corrupt import CorruptDocuments
from workers.monitoring.metrics import Metrics
from workers.monitoring.progress import Progress
from workers.requests.reader import RequestReader

PARTITION = 3


class Gate:
    """Lets every password pass."""

    async def verdicts(self, registers: Sequence[Any]) -> Sequence[Judged]:
        return [Judged() for _ in registers]


def of_topic(topic: Any, bodies: Sequence[Mapping[str, Any]]) -> list[Raw]:
    """Return records of one partition, in order; every other one asks for a reply of its own."""
    return [
        a_raw(
            body,
            topic,
            key=body["username"].encode(),
            headers=[("reply_to", HERS.encode())] if offset % 2 else [],
            offset=offset,
        )
        for offset, body in enumerate(bodies)
    ]


def deposit(username: str, command_id: str, amount: str = "1.00") -> dict[str, Any]:
    return {**DEPOSIT_BODY, "username": username, "command_id": command_id, "amount": amount}


def register(username: str) -> dict[str, Any]:
    email = f"{username}@new.example.com"
    return {**REGISTER_BODY, "username": username, "command_id": "r", "email": email}


class LedgerHistory:
    """Registrations, deposits and withdrawals of five users, one of whom has an event owed."""

    def __init__(self, per_command: Callable[[Rules], PerCommand] = guarded) -> None:
        self._per_command = per_command

    async def start_over(self) -> Topics:
        """Return new topics, over a new store."""
        self.ledger = MemoryLedger()
        names = ("alice", "bobby", "carol")
        await write(
            self.ledger,
            accounts=[
                an_account("alice", posted_minor=1000, sequence=1),
                *(an_account(name) for name in names[1:]),
            ],
            outcomes=[an_outcome("alice", command_id="old", sequence=1)],
        )
        deposits = [deposit(name, f"d-{number}") for number in range(3) for name in names]
        withdrawals = [deposit("carol", "w-1", "2.00"), deposit("bobby", "w-2", "99.00")]
        inputs = {
            WITHDRAW: withdrawals,
            DEPOSIT: [*deposits, deposit("dora1", "d-1")],
            REGISTER: [register("dora1"), register("erika")],
        }
        return Topics(
            {
                TopicPartition(PREFIX + topic.name, PARTITION): of_topic(topic, bodies)
                for topic, bodies in inputs.items()
            }
        )

    def start(self, topics: Topics, trip: Tripwire) -> Membership[Any]:
        """Return the membership of one process's engine."""
        progress, metrics = Progress("ledger"), Metrics()
        publisher = SimulatedPublisher(topics, trip, progress.halt)
        return Engine(
            LedgerDependencies(
                ledger=trip.around(self.ledger),
                publisher=publisher,
                replies=SimulatedReplies(publisher, trip),
                end_offsets=SimulatedEnds(topics, trip),
                gate=trip.around(Gate()),
                metrics=metrics,
                corrupt=CorruptDocuments(metrics),
                schema=lambda: NEWEST,
                progress=progress,
                per_command=self._per_command,
            ),
            OPTIONS,
            RULES,
            [PREFIX + topic.name for topic in ORDERED],
            PREFIX,
        ).membership

    async def check(self, topics: Topics) -> None:
        """Hold what was published and stored against what was sent."""
        answers = said_of(topics)
        sent = [
            orjson.loads(record.value or b"") for each in topics.inputs.values() for record in each
        ]
        assert answers.keys() == {(body["username"], body["command_id"]) for body in sent}
        moved: dict[str, int] = {}
        for (username, _), (status, kind) in answers.items():
            if status == "accepted" and kind in {"deposit", "withdraw"}:
                moved[username] = moved.get(username, 0) + 1
        await self._check_events(topics, moved)

    async def _check_events(self, topics: Topics, moved: Mapping[str, int]) -> None:
        events: dict[str, list[bytes]] = {}
        for record in topics.published:
            if record.topic == f"{PREFIX}events.balance":
                body = orjson.loads(record.value)
                known = events.setdefault(body["username"], [])
                if body["sequence"] == len(known) + 1:
                    known.append(record.value)
                assert known[body["sequence"] - 1] == record.value, "P5: a gap, or a repeat differs"
        for username in ("alice", "bobby", "carol", "dora1", "erika"):
            account = await self.ledger.account(username)
            if account is None:
                continue
            before = 1 if username == "alice" else 0
            assert account.sequence == before + moved.get(username, 0), "P2"
            assert len(events.get(username, [])) == account.sequence, "P5"


class RequestHistory:
    """Questions of several users."""

    async def start_over(self) -> Topics:
        """Return new topics."""
        bodies = [{"request_id": f"q-{number}", "username": "alice"} for number in range(8)]
        return Topics({TopicPartition(PREFIX + GET_BALANCE.name, 3): of_topic(GET_BALANCE, bodies)})

    def start(self, topics: Topics, trip: Tripwire) -> Membership[Any]:
        """Return the membership of one process's reader."""
        progress = Progress("queries")
        publisher = SimulatedPublisher(topics, trip, progress.halt)
        return RequestReader(
            trip.around(TellingAnswerer(EventLog())),
            group="accounts-queries",
            topics=QUERIES,
            prefix=PREFIX,
            publisher=publisher,
            replies=SimulatedReplies(publisher, trip),
            metrics=Metrics(),
            corrupt=CorruptDocuments(Metrics()),
            progress=progress,
            options=OPTIONS,
        ).membership

    async def check(self, topics: Topics) -> None:
        """Hold that each was answered."""
        bodies = [orjson.loads(each.value) for each in topics.published]
        assert {body["request_id"] for body in bodies} == {f"q-{number}" for number in range(8)}


class CredentialHistory:
    """Accepted registrations whose passwords wait to be hashed."""

    def __init__(self, directory: Path, pool: LowPriorityPool) -> None:
        self._hashing = HashingInMemory(directory, pool)
        self._pool = pool

    async def start_over(self) -> Topics:
        """Return new topics, over a new store."""
        self.credentials = MemoryCredentials(MemoryLedger())
        waiting = [
            self._hashing.waiting(offset, f"user-{offset}", reply_to=HERS if offset % 2 else None)
            for offset in range(4)
        ]
        return Topics({TopicPartition(PREFIX + CREDENTIALS.name, 0): waiting})

    def start(self, topics: Topics, trip: Tripwire) -> Membership[Any]:
        """Return the membership of one process's reader."""
        progress = Progress("identity")
        publisher = SimulatedPublisher(topics, trip, progress.halt)
        worker = CredentialsWorker(
            credentials=trip.around(self.credentials),
            reads=trip.around(MemoryReads(self._hashing.ledger)),
            hasher=PasswordHasher(CHEAP, trip.around(self._pool)),
            ring=self._hashing.ring,
            answers=Answering(publisher, SimulatedReplies(publisher, trip)),
            progress=progress,
            metrics=Metrics(),
            corrupt=CorruptDocuments(Metrics()),
            clock=lambda: NOON,
        )
        return CredentialsReader(worker=worker, options=OPTIONS).membership

    async def check(self, topics: Topics) -> None:
        """Hold that each has its credential, and its answer."""
        names = {f"user-{offset}" for offset in range(4)}
        assert self.credentials.by_username.keys() == names
        assert {orjson.loads(each.value)["username"] for each in topics.published} == names


def said_of(topics: Topics) -> dict[tuple[str, str], tuple[str, str]]:
    """Return what each command was answered: always the same, a credential's answer included."""
    answers: dict[tuple[str, str], tuple[str, str]] = {}
    for record in topics.published:
        body: dict[str, Any] = orjson.loads(record.value) if record.value else {}
        if record.topic == PREFIX + CREDENTIALS.name:
            body = cast("dict[str, Any]", body["result"])
        elif record.topic not in {f"{PREFIX}results", HERS}:
            continue
        said = body["status"], body["type"]
        name = body["username"], body["command_id"]
        assert answers.setdefault(name, said) == said, "P3: two answers"
    return answers
