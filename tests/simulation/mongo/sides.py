"""The same commands, said to the simulated server and to a real one, and their answers made comparable."""

import asyncio
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import pymongo
from pymongo.errors import ConnectionFailure, OperationFailure, PyMongoError
from pymongo.read_concern import ReadConcern
from pymongo.read_preferences import ReadPreference
from pymongo.write_concern import WriteConcern

from storage.mongo.client import DURABLE, MAJORITY, MongoOptions
from storage.mongo.documents.accounts import CODEC, Document
from tests.simulation.mongo.driver import DriverClient
from tests.simulation.mongo.server import MongoServer
from tests.simulation.network import Call, Fate, Network

Step: TypeAlias = tuple[str, Document | str]
"""Who, and what: a command, or `commit`, `abort` or `begin`. Nobody (`-`) is outside of transactions."""

PATIENCE_S = 0.25
"""For a command that may wait for an open transaction: long beside one that does not."""

DATABASE = "sides"

_OPTIONS = (ReadConcern("snapshot"), WriteConcern("majority", j=True), ReadPreference.PRIMARY)
_WELL = Fate()
_OF_THE_MOMENT = ("electionId", "opTime", "$clusterTime", "operationTime", "errmsg", "commitQuorum")


class Side(Protocol):
    """One of the two servers, and what two sessions and nobody say to it."""

    def say(self, who: str, what: Document | str) -> Any:
        """Return the answer, made comparable."""
        ...


class Undisturbed:
    """Every call has its effect, and is answered at once."""

    def of(self, process: str, call: Call) -> Fate:  # noqa: ARG002 - whoever it is
        """Return the fate of the next call."""
        return _WELL


@dataclass
class RealSide:
    """A real server."""

    client: pymongo.MongoClient[Document]

    def __post_init__(self) -> None:
        self.sessions: dict[str, Any] = {}

    def say(self, who: str, what: Document | str) -> Any:
        """Return the answer, made comparable."""
        return answer_of(lambda: self._said(who, what))

    def end(self) -> None:
        """Undo what is open."""
        for session in self.sessions.values():
            session.end_session()
        self.sessions.clear()

    def _said(self, who: str, what: Document | str) -> Any:
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
                with pymongo.timeout(PATIENCE_S):
                    return self.client[DATABASE].command(what, codec_options=CODEC, session=session)


class SimulatedSide:
    """A server in memory."""

    def __init__(self, runner: asyncio.Runner) -> None:
        self._runner = runner
        loop = runner.get_loop()
        self.server = MongoServer(loop.time)
        options = MongoOptions(uri="simulated://", database=DATABASE)
        self.client = DriverClient(self.server, Network(Undisturbed()), options)
        self.sessions: dict[str, Any] = {}

    def say(self, who: str, what: Document | str) -> Any:
        """Return the answer, made comparable."""
        return answer_of(lambda: self._runner.run(self._said(who, what)))

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
                with pymongo.timeout(PATIENCE_S):
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
    if isinstance(value, Mapping):
        fields = {name: comparable(each) for name, each in value.items()}
        fields = {name: each for name, each in fields.items() if name not in _OF_THE_MOMENT}
        if "ns" in fields and "id" in fields:
            fields["id"] = value["id"] != 0
        if "atClusterTime" in fields:
            fields["atClusterTime"] = True
        return fields
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
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


def compare(sides: tuple[Side, Side], steps: Sequence[Step]) -> None:
    """Say the same to both sides, and check that both answer the same each time."""
    simulated, real = sides
    for place, (who, what) in enumerate(steps):
        expected = real.say(who, what)
        assert simulated.say(who, what) == expected, (place, steps)
