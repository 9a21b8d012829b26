"""The same commands, said to the simulated server and to a real one, and their answers made comparable."""

import asyncio
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias
from uuid import uuid4

import pymongo
from pymongo.errors import ConnectionFailure, OperationFailure, PyMongoError
from pymongo.read_concern import ReadConcern
from pymongo.read_preferences import ReadPreference
from pymongo.write_concern import WriteConcern

from storage.mongo.client import DURABLE, MAJORITY, MongoOptions
from storage.mongo.documents.accounts import CODEC, Document
from tests.simulation.mongo.driver import DriverClient
from tests.simulation.mongo.server import MongoServer
from tests.simulation.mongo.values import is_document, is_list
from tests.simulation.network import Call, Fate, Network

Step: TypeAlias = tuple[str, Document | str]
"""Who, and what: a command, or `commit`, `abort` or `begin`. Nobody (`-`) is outside of transactions."""

PATIENCE_S = 60.0
"""For a command that waits for nobody: the machine may be busy."""

TIMEOUT_MS = 500
"""For a commit or an abort: long beside one that is answered."""

DATABASE = f"sides-{uuid4().hex}"
"""Of this process alone: others may share the server."""

_OPTIONS = (ReadConcern("snapshot"), WriteConcern("majority", j=True), ReadPreference.PRIMARY)
_WELL = Fate()
_OF_THE_MOMENT = ("electionId", "opTime", "$clusterTime", "operationTime", "errmsg", "commitQuorum")


class Side(Protocol):
    """One of the two servers, and what two sessions and nobody say to it."""

    patience_s: float
    """For one command, but for a commit or an abort."""

    def say(self, who: str, what: Document | str) -> Any:
        """Return the answer, made comparable."""
        ...


@dataclass
class Scripted:
    """Every call has its effect, and is answered at once, but for those that have another fate."""

    operation: str = ""
    fates: list[Fate] = field(default_factory=list[Fate])
    """Of the next calls of that operation."""
    struck: int = 0
    """How many had one of those fates."""

    def of(self, process: str, call: Call) -> Fate:  # noqa: ARG002 - whoever it is
        """Return the fate of the next call."""
        if call.operation != self.operation or not self.fates:
            return _WELL
        self.struck += 1
        return self.fates.pop(0)


@dataclass
class RealSide:
    """A real server."""

    client: pymongo.MongoClient[Document]

    def __post_init__(self) -> None:
        self.sessions: dict[str, Any] = {}
        self.patience_s = PATIENCE_S

    def say(self, who: str, what: Document | str) -> Any:
        """Return the answer, made comparable."""
        return answer_of(lambda: self.said(who, what))

    def end(self) -> None:
        """Undo what is open."""
        for session in self.sessions.values():
            session.end_session()
        self.sessions.clear()

    def said(self, who: str, what: Document | str) -> Any:
        """Return the answer as the driver gives it."""
        if who not in self.sessions and who != "-":
            self.sessions[who] = self.client.start_session(causal_consistency=False)
            self.sessions[who].start_transaction(*_OPTIONS)
        match what:
            case "begin":
                self.sessions[who].start_transaction(*_OPTIONS)
                return None
            case "commit":
                return self.sessions[who].commit_transaction()
            case "abort":
                return self.sessions[who].abort_transaction()
            case _:
                assert not isinstance(what, str)
                session = self.sessions.get(who)
                with pymongo.timeout(self.patience_s):
                    return self.client[DATABASE].command(what, codec_options=CODEC, session=session)


class SimulatedSide:
    """A server in memory."""

    def __init__(self, runner: asyncio.Runner) -> None:
        self._runner = runner
        loop = runner.get_loop()
        self.server = MongoServer(loop.time)
        options = MongoOptions(uri="simulated://", database=DATABASE, timeout_ms=TIMEOUT_MS)
        self.fates = Scripted()
        self.client = DriverClient(self.server, Network(self.fates), options)
        self.sessions: dict[str, Any] = {}
        self.patience_s = PATIENCE_S

    def say(self, who: str, what: Document | str) -> Any:
        """Return the answer, made comparable."""
        return answer_of(lambda: self.run(who, what))

    def run(self, who: str, what: Document | str) -> Any:
        """Return the answer as the driver gives it."""
        return self._runner.run(self._said(who, what))

    async def _said(self, who: str, what: Document | str) -> Any:
        if who not in self.sessions and who != "-":
            self.sessions[who] = self.client.start_session(causal_consistency=False)
            await self.sessions[who].start_transaction(*_OPTIONS)
        match what:
            case "begin":
                return await self.sessions[who].start_transaction(*_OPTIONS)
            case "commit":
                return await self.sessions[who].commit_transaction()
            case "abort":
                return await self.sessions[who].abort_transaction()
            case _:
                assert not isinstance(what, str)
                session = self.sessions.get(who)
                with pymongo.timeout(self.patience_s):
                    database = self.client[DATABASE]
                    return await database.command(what, codec_options=CODEC, session=session)


def answer_of(ask: Any) -> Any:
    """Return what is the same on every server: neither times, nor addresses, nor sentences."""
    try:
        reply = ask()
    except PyMongoError as error:
        labels = sorted(error._error_labels)  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
        code = error.code if isinstance(error, OperationFailure) else None
        if code == 50 or isinstance(error, ConnectionFailure):
            return "too slow"
        return (type(error).__name__, code, labels, comparable(getattr(error, "details", None)))
    return comparable(reply)


def comparable(value: Any) -> Any:
    """Return a reply with what differs from server to server left out, and the types of its values."""
    if is_document(value):
        fields = {name: comparable(each) for name, each in value.items()}
        fields = {name: each for name, each in fields.items() if name not in _OF_THE_MOMENT}
        if "ns" in fields and "id" in fields:
            fields["id"] = value["id"] != 0
        if "atClusterTime" in fields:
            fields["atClusterTime"] = True
        return fields
    if is_list(value):
        return [comparable(each) for each in value]
    return (type(value).__name__, str(value)) if isinstance(value, int | float) else value


def read_all(*collections: str) -> Iterator[Step]:
    """Yield what shows everything that is committed."""
    for name in collections:
        yield "-", {"find": name, "sort": {"_id": 1}, "readConcern": MAJORITY}


def plainly(command: Document) -> Step:
    """Return a write outside of transactions."""
    return "-", {**command, "writeConcern": DURABLE}


@contextmanager
def both(client: pymongo.MongoClient[Document]) -> Generator[tuple[SimulatedSide, RealSide]]:
    """Yield the two sides, both without anything in them."""
    client.drop_database(DATABASE)
    real = RealSide(client)
    with asyncio.Runner() as runner:
        yield SimulatedSide(runner), real
    real.end()
    client.drop_database(DATABASE)


def compare(sides: tuple[Side, Side], steps: Sequence[Step]) -> None:
    """Say the same to both sides, and check that both answer the same each time."""
    simulated, real = sides
    for place, (who, what) in enumerate(steps):
        expected = real.say(who, what)
        assert simulated.say(who, what) == expected, (place, steps)
