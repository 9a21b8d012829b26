"""What stands in for PyMongo's asyncio client, as far as `storage.mongo.client` asks for it."""

import asyncio
from collections.abc import Callable
from typing import Any

import bson
from bson.codec_options import CodecOptions
from pymongo import _csot  # what `pymongo.timeout` has set
from pymongo.errors import AutoReconnect, ConnectionFailure, NetworkTimeout, PyMongoError
from pymongo.helpers_shared import (
    _check_command_response as checked,  # pyright: ignore[reportPrivateUsage]
)

from storage.mongo.client import MongoOptions
from storage.mongo.documents.accounts import Document
from tests.simulation.mongo.refusals import TRANSIENT
from tests.simulation.mongo.server import MongoServer
from tests.simulation.mongo.sessions import DriverSession, Finish
from tests.simulation.mongo.transactions import Within
from tests.simulation.mongo.values import decoded
from tests.simulation.mongo.wire import BrokenError, LateError, ToldError, call
from tests.simulation.network import PROCESS, Network

WAIT_S = 0.001
"""Until a write is tried again that waits for an open transaction; longer each time, as the server does."""

WAIT_S_MAX = 0.1
"""Longest such wait: seldom beside the seconds that a transaction may be open."""

Attempt = Callable[[], Document | None]


def connecting(server: MongoServer, network: Network) -> Callable[[MongoOptions], "DriverClient"]:
    """Return what connects to *server*, for `storage.mongo.client.MongoClient`."""
    return lambda options: DriverClient(server, network, options)


class DriverClient:
    """One process's connections."""

    def __init__(self, server: MongoServer, network: Network, options: MongoOptions) -> None:
        assert options.driver == "pymongo", "of the two drivers this is the one"
        self._server = server
        self._network = network
        self._timeout_s = options.timeout_ms / 1000
        server.clients += 1
        self._name = f"client-{server.clients}"
        server.processes[self._name] = PROCESS.get()
        self._free: list[tuple[str, int]] = []
        """Sessions given back, the last one first to be used again, and their last transactions."""
        self._made = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        """The one that is running: to ask for it costs a system call."""

    def __getitem__(self, name: str) -> "DriverDatabase":
        """Return a database by its name."""
        return DriverDatabase(self, name)

    def start_session(self, *, causal_consistency: bool) -> DriverSession:
        """Start a session."""
        assert not causal_consistency, "as storage.mongo asks for it"
        if self._free:
            name, number = self._free.pop()
        else:
            self._made += 1
            name, number = f"{self._name}-{self._made}", 0
        return DriverSession(self, name, number)

    def give_back(self, name: str, number: int) -> None:
        """Let others use a session that its user has ended."""
        self._free.append((name, number))

    async def close(self) -> None:
        """Close every connection."""

    async def run(
        self,
        database: str,
        command: Document,
        options: CodecOptions[Any],
        session: DriverSession | None,
    ) -> Document:
        """Send a command once, and return the reply.

        Raises:
            PyMongoError: As PyMongo raises it.
        """
        sent = decoded(bson.encode(command, codec_options=options))
        within = None if session is None else session.within()
        attempt = self._server.take(database, sent, within)
        name = next(iter(command))
        try:
            reply = await self._sent(name, attempt, within)
        except PyMongoError as error:
            if session is not None:
                session.failed(error)
            raise
        if not reply["ok"]:
            checked(reply, None)
        return reply

    async def finish(self, command: Finish, within: Within, deadline_s: float) -> None:
        """Ask once to commit or to abort.

        Raises:
            PyMongoError: As PyMongo raises it, before it tries again.
        """
        attempt = self._server.take("admin", {command: 1}, within)
        reply = await self._sent(command, attempt, within, deadline_s)
        checked(reply, None, parse_write_concern_error=True)

    def deadline_s(self) -> float:
        """Return when the driver gives up what is started now."""
        timeout_s = _csot.get_timeout()
        return self._now_s() + (self._timeout_s if timeout_s is None else timeout_s)

    def _now_s(self) -> float:
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        return self._loop.time()

    async def _sent(
        self, name: str, attempt: Attempt, within: Within | None, deadline_s: float | None = None
    ) -> Document:
        if deadline_s is None:
            deadline_s = self.deadline_s()
        patience_s = deadline_s - self._now_s()
        answers: list[Document | None] = []
        term = self._server.term

        def effect() -> None:
            if self._server.term == term:  # else its connection is gone, and it with that
                answers.append(attempt())

        try:
            await self._network.ask(
                call(name, in_transaction=within is not None), effect, patience_s=patience_s
            )
        except TimeoutError:
            raise _labelled(NetworkTimeout("timed out"), within) from None
        except BrokenError as broken:
            if broken.lasts:
                await _until(deadline_s)
            raise _labelled(broken.error, within) from None
        except ToldError as told:
            return told.reply
        except LateError as late:
            return _late(answers[0] if answers else None, late)
        if self._server.term != term:
            raise _labelled(AutoReconnect("connection closed"), within)
        [reply] = answers
        return await _waited(attempt, deadline_s) if reply is None else reply


class DriverDatabase:
    """One database, as far as commands are sent to it."""

    def __init__(self, client: DriverClient, name: str) -> None:
        self._client = client
        self._name = name

    async def command(
        self, command: Document, *, codec_options: CodecOptions[Any], session: DriverSession | None
    ) -> Document:
        """Send a command once, and return the reply.

        Raises:
            PyMongoError: As PyMongo raises it.
        """
        return await self._client.run(self._name, command, codec_options, session)


async def _waited(attempt: Attempt, deadline_s: float) -> Document:
    """Try until no open transaction is in the way, as the server itself does."""
    wait_s = WAIT_S
    loop = asyncio.get_running_loop()
    while (now_s := loop.time()) < deadline_s:
        await asyncio.sleep(min(wait_s, deadline_s - now_s))
        wait_s = min(2 * wait_s, WAIT_S_MAX)
        if (reply := attempt()) is not None:
            return reply
    return {
        "ok": 0.0,
        "errmsg": "operation exceeded time limit",
        "code": 50,
        "codeName": "MaxTimeMSExpired",
    }


async def _until(deadline_s: float) -> None:
    left_s = deadline_s - asyncio.get_running_loop().time()
    if left_s > 0:
        await asyncio.sleep(left_s)


def _late(reply: Document | None, late: LateError) -> Document:
    answered: Document = {"n": 1, "ok": 1.0} if reply is None else reply
    if late.labels:
        answered["errorLabels"] = list(late.labels)
    return {**answered, "writeConcernError": late.error}


def _labelled(error: PyMongoError, within: Within | None) -> PyMongoError:
    if within is not None and isinstance(error, ConnectionFailure):
        error._add_error_label(TRANSIENT)  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
    return error
