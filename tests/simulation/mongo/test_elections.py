"""What becomes of transactions and their answers when another server becomes the primary."""

import asyncio

import pytest
from pymongo.errors import AutoReconnect, NotPrimaryError, OperationFailure

from storage.mongo.client import MongoOptions
from storage.mongo.documents.accounts import CODEC, Document
from tests.simulation.mongo.driver import DriverClient
from tests.simulation.mongo.server import MongoServer
from tests.simulation.mongo.sessions import DriverSession
from tests.simulation.mongo.sides import Scripted
from tests.simulation.network import Fate, Network

LASTS_S = 10.0
NO_SUCH_TRANSACTION = 251
INSERT: Document = {"insert": "accounts", "documents": [{"_id": "alice"}]}
OPTIONS = MongoOptions(uri="simulated://", database="books", timeout_ms=50)


class Clock:
    """A time that a test sets."""

    def __init__(self) -> None:
        self.now_s = 1_900_000_000.0

    def __call__(self) -> float:
        return self.now_s


class Books:
    """One server and one client of it."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.server = MongoServer(self.clock)
        self.fates = Scripted()
        self.client = DriverClient(self.server, Network(self.fates), OPTIONS)

    def elect(self, *, forgets: bool = False) -> None:
        """Have the primary fail: for a while there is none."""
        self.server.elect(self.clock.now_s + LASTS_S, forgets=forgets)

    def end_election(self) -> None:
        """Have the next one be there."""
        self.clock.now_s += LASTS_S

    async def inserted(self) -> DriverSession:
        """Return a session that has inserted, and not committed."""
        session = self.client.start_session(causal_consistency=False)
        await session.start_transaction()
        await self._run(INSERT, session)
        return session

    async def ping(self) -> None:
        """Ask for anything."""
        await self._run({"ping": 1}, None)

    async def _run(self, command: Document, session: DriverSession | None) -> None:
        await self.client["books"].command(command, codec_options=CODEC, session=session)

    def stored(self) -> int:
        """Return how many accounts there are."""
        return len(self.server.everything("books").get("accounts", []))


@pytest.fixture
def books() -> Books:
    return Books()


async def test_what_is_open_is_gone(books: Books) -> None:
    session = await books.inserted()
    books.elect()
    books.end_election()

    with pytest.raises(OperationFailure) as caught:
        await session.commit_transaction()

    assert caught.value.code == NO_SUCH_TRANSACTION
    assert caught.value.has_error_label("TransientTransactionError")
    assert books.stored() == 0


async def test_meanwhile_nobody_is_primary(books: Books) -> None:
    session = await books.inserted()
    books.elect()

    with pytest.raises(NotPrimaryError):
        await books.ping()
    with pytest.raises(NotPrimaryError) as caught:
        await session.commit_transaction()

    assert caught.value.has_error_label("UnknownTransactionCommitResult")
    books.end_election()
    await books.ping()


async def test_an_answer_that_was_on_its_way_is_lost_and_what_is_committed_stays(
    books: Books,
) -> None:
    session = await books.inserted()
    books.server.after_commit = lambda _: books.elect()

    with pytest.raises(AutoReconnect):
        await session.commit_transaction()

    assert books.stored() == 1
    books.end_election()
    books.server.after_commit = None
    await session.commit_transaction()


async def test_a_primary_that_forgets_calls_what_is_committed_unknown(books: Books) -> None:
    session = await books.inserted()
    await session.commit_transaction()
    books.elect(forgets=True)
    books.end_election()

    with pytest.raises(OperationFailure) as caught:
        await session.commit_transaction()

    assert caught.value.code == NO_SUCH_TRANSACTION
    assert books.stored() == 1


async def test_a_command_that_has_not_arrived_never_does(books: Books) -> None:
    session = await books.inserted()
    books.fates.operation, books.fates.fates = "commitTransaction", [Fate(before_s=0.01)]
    commit = asyncio.create_task(session.commit_transaction())
    await asyncio.sleep(0)
    books.elect()

    with pytest.raises(NotPrimaryError):
        await commit

    assert books.stored() == 0
