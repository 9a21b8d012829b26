"""The connection to MongoDB, through PyMongo's asyncio API or its predecessor Motor."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeAlias, TypeVar, cast

import pymongo
from pymongo.errors import ConfigurationError, PyMongoError
from pymongo.read_concern import ReadConcern
from pymongo.read_preferences import ReadPreference
from pymongo.write_concern import WriteConcern

from handlers.model.schema import FIRST
from storage.mongo.documents.account_macs import AccountMacs
from storage.mongo.documents.accounts import CODEC, Document
from storage.mongo.errors import check, translated
from storage.ports.account_keys import AccountKeys
from storage.ports.errors import StoreCheckError

Answer = TypeVar("Answer")
Driver: TypeAlias = Literal["pymongo", "motor"]

TIMEOUT_MS = 5000
"""Longest that one operation may take, its retries included: half of the time after which the
server ends a transaction, so that we notice first."""

CLOSE_S = 5.0
"""Longest wait for commits and aborts still under way when the connection is closed."""

_SNAPSHOT = ReadConcern("snapshot")
_DURABLE = WriteConcern("majority", j=True)

DURABLE: Mapping[str, Any] = {"w": "majority", "j": True}
"""The write concern of every write outside of a transaction, as a command states it."""

MAJORITY: Mapping[str, Any] = {"level": "majority"}
"""The read concern of every read outside of a transaction: what no election can undo."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MongoOptions:
    """Where MongoDB is and how to get in. What is None is left to the URI."""

    uri: str = field(repr=False)
    database: str
    driver: Driver = "pymongo"
    timeout_ms: int = TIMEOUT_MS
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: bool | None = None
    tls_ca_file: str | None = None
    tls_certificate_key_file: str | None = None
    application: str = "accounts"
    account_keys: AccountKeys | None = field(default=None, repr=False)
    """Of whoever reads or writes accounts."""


Connect: TypeAlias = Callable[[MongoOptions], Any]
"""Makes a client with the driver's interface, as far as it is used here."""


class MongoSession(Protocol):
    """What the sessions of both drivers share."""

    async def commit_transaction(self) -> None:
        """Commit; called again, ask what became of it."""
        ...

    async def abort_transaction(self) -> None:
        """Undo everything; the server's refusals are ignored."""
        ...

    async def end_session(self) -> None:
        """Give the session back."""
        ...


class MongoClient:
    """One connection pool; everything is said as plain commands.

    They are the same in both drivers, and the cheapest: no object is made for a document.
    """

    def __init__(self, options: MongoOptions, *, connect: Connect | None = None) -> None:
        """Connect as *connect* does, by default with the driver that *options* name.

        Raises:
            StoreCheckError: The address or the TLS settings are wrong.
        """
        self.options = options
        self._client = _open(options) if connect is None else connect(options)
        self._database = self._client[options.database]
        self._under_way: dict[asyncio.Task[Any], MongoSession | None] = {}
        self.writes_schema: int = FIRST
        """The schema number of what is written over this connection: the data's, as last seen
        (`storage.mongo.data_schema`). Whatever is of a later one waits for it."""

        self.macs_may_lack = True
        """Whether accounts of before may still be without a MAC (`storage.mongo.data_schema`)."""

    def macs(self) -> AccountMacs:
        """Return what checks and makes the MACs of accounts read or written now."""
        keys = self.options.account_keys
        assert keys is not None, "who reads accounts says where the keys are"
        return AccountMacs(keys.mac_keys(), may_lack=self.macs_may_lack)

    async def run(
        self,
        command: Document,
        *,
        session: MongoSession | None = None,
        database: str | None = None,
        ignored: int | None = None,
    ) -> Document:
        """Run one command, on *database* or the configured one, and return the whole reply.

        Writes that fail with the code *ignored* are passed over.

        Raises:
            LostRaceError, StoreUnavailableError: See `storage.mongo.errors`.
        """
        target = self._database if database is None else self._client[database]
        asked = target.command(command, codec_options=CODEC, session=session)
        reply = await self.unhurried(_answered(asked), session=session)
        check(reply, ignored=ignored)
        return reply

    async def ping(self) -> None:
        """Return once the server has answered.

        Raises:
            StoreUnavailableError: It has not.
        """
        await self.run({"ping": 1})

    async def find(self, command: Document, *, session: MongoSession) -> list[Document]:
        """Return all documents that a `find` or `aggregate` command in a transaction matches."""
        cursor = (await self.run(command, session=session))["cursor"]
        found: list[Document] = cursor["firstBatch"]
        while cursor["id"]:
            collection = next(iter(command.values()))
            more: Document = {"getMore": cursor["id"], "collection": collection}
            cursor = (await self.run(more, session=session))["cursor"]
            found += cursor["nextBatch"]
        return found

    async def page(
        self,
        collection: str,
        query: Document,
        order: Document,
        limit: int,
        more: Document | None = None,
    ) -> list[Document]:
        """Return up to *limit* documents in *order*, as last committed by a majority.

        *more* goes into the command, such as a hint or a projection.
        """
        command: Document = {
            "find": collection,
            "filter": query,
            "sort": order,
            "limit": limit,
            "batchSize": limit,
            "singleBatch": True,
            "readConcern": MAJORITY,
            **(more or {}),
        }
        return (await self.run(command))["cursor"]["firstBatch"]

    async def begin(self) -> MongoSession:
        """Start a session with a transaction: snapshot reads, majority and journalled writes."""
        session = self._client.start_session(causal_consistency=False)
        if self.options.driver == "motor":
            session = await session
        await self.begin_again(session)
        return cast("MongoSession", session)

    async def begin_again(self, session: Any) -> None:
        """Start the next transaction of *session*, such as `begin` starts."""
        starting = session.start_transaction(_SNAPSHOT, _DURABLE, ReadPreference.PRIMARY)
        if self.options.driver == "pymongo":
            await starting

    async def unhurried(
        self, work: Coroutine[Any, Any, Answer], *, session: MongoSession | None = None
    ) -> Answer:
        """Do *work* to its end, which its timeout bounds, even if the caller is cancelled.

        Cancelled inside, the drivers close the connection, may leave a transaction open, and
        PyMongo on Python 3.11 loses a cancellation that comes together with the reply.
        """
        task = asyncio.create_task(work)
        self._under_way[task] = session
        task.add_done_callback(self._under_way.pop)
        return await asyncio.shield(task)

    async def quiet(self, session: MongoSession) -> None:
        """Wait until nothing of *session* is under way any more."""
        busy = [task for task, of in self._under_way.items() if of is session]
        if busy:
            await asyncio.wait(busy)

    async def close(self) -> None:
        """Wait a little for what is under way, then close every connection."""
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=CLOSE_S)
        closing = self._client.close()
        if self.options.driver == "pymongo":
            await closing


async def _answered(asked: Awaitable[Document]) -> Document:
    try:
        return await asked
    except PyMongoError as error:
        raise translated(error) from error


def _open(options: MongoOptions) -> Any:
    settings = {
        "username": options.username,
        "password": options.password,
        "tls": options.tls,
        "tlsCAFile": options.tls_ca_file,
        "tlsCertificateKeyFile": options.tls_certificate_key_file,
    }
    given = {name: value for name, value in settings.items() if value is not None}
    try:
        return _client_class(options.driver)(
            options.uri,
            timeoutMS=options.timeout_ms,
            serverSelectionTimeoutMS=options.timeout_ms,
            appname=options.application,
            **given,
        )
    except (ConfigurationError, OSError, ValueError, TypeError) as error:
        # The driver's own text may repeat the URI, which may hold a password.
        raise StoreCheckError(
            f"the MongoDB address or its TLS settings are wrong ({type(error).__name__}): "
            "write mongodb://host:port/?replicaSet=name and check that the TLS files exist"
        ) from None


def _client_class(driver: Driver) -> Any:
    match driver:
        case "pymongo":
            return pymongo.AsyncMongoClient
        case "motor":
            try:
                from motor.motor_asyncio import AsyncIOMotorClient  # noqa: PLC0415 - an extra
            except ImportError:
                raise StoreCheckError(
                    "the driver motor is not installed: install accounts[motor] or use pymongo"
                ) from None
            return AsyncIOMotorClient
