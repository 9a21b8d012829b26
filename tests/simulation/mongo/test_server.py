"""What the simulated server adds to the real one: virtual time, late arrivals, copies of all it has."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from bson.errors import InvalidDocument

from storage.mongo.client import MongoClient, MongoOptions
from storage.mongo.ledger import MongoLedger
from storage.mongo.schema import COLLECTIONS
from storage.ports.errors import CommitUnknownError, LostRaceError
from tests.builders import an_account, some_changes
from tests.macs import KEYS
from tests.ports.written import write
from tests.simulation.mongo.driver import connecting
from tests.simulation.mongo.server import MongoServer
from tests.simulation.mongo.sides import Scripted
from tests.simulation.mongo.wire import BrokenError, LateError, ToldError, call
from tests.simulation.network import Fate, Network, Said

TIMEOUT_S = 0.1
LATE_S = 2 * TIMEOUT_S
COMMIT = "commitTransaction"
NEVER = Fate(said=Said.NEVER)


class Clock:
    """A time that a test sets."""

    def __init__(self) -> None:
        self.now_s = 1_900_000_000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def server(clock: Clock) -> MongoServer:
    return MongoServer(clock)


@pytest.fixture
def fates() -> Scripted:
    return Scripted()


@pytest.fixture
def connect(server: MongoServer, fates: Scripted) -> Callable[[], MongoClient]:
    """Return what connects one more process."""
    options = MongoOptions(
        uri="simulated://", database="books", account_keys=KEYS, timeout_ms=int(TIMEOUT_S * 1000)
    )
    return lambda: MongoClient(options, connect=connecting(server, Network(fates)))


@pytest.fixture
async def ledger(connect: Callable[[], MongoClient]) -> AsyncIterator[MongoLedger]:
    client = connect()
    ledger = MongoLedger(client)
    await ledger.prepare()
    yield ledger
    await client.close()


def error_of(kind: type[Exception], code: int | None = None, *labels: str) -> int:
    """Return which of the errors of a commit it is."""
    known = call(COMMIT, in_transaction=True)
    for place, make in enumerate((*known.errors, *known.refusals)):
        match make():
            case ToldError(reply=reply) if kind is ToldError:
                found = (reply["code"], tuple(reply.get("errorLabels", ()))) == (code, labels)
            case LateError(error=error) as late if kind is LateError:
                found = (error["code"], tuple(late.labels)) == (code, labels)
            case BrokenError(lasts=True) if kind is BrokenError:
                found = True
            case _:
                found = False
        if found:
            return place
    raise AssertionError(kind)


async def hold(ledger: MongoLedger, username: str = "alice") -> Any:
    """Return a transaction that has written an account, and does not end."""
    transaction: Any = ledger.transaction()
    await transaction.__aenter__()
    await transaction.apply(some_changes(accounts=[an_account(username)]))
    return transaction


class TestTime:
    async def test_whoever_vanished_is_in_the_way_until_its_time_is_over(
        self, ledger: MongoLedger, connect: Callable[[], MongoClient], clock: Clock
    ) -> None:
        await hold(MongoLedger(connect()))

        with pytest.raises(LostRaceError):
            await write(ledger, accounts=[an_account()])
        clock.now_s += 10
        await write(ledger, accounts=[an_account()])

        assert await ledger.account("alice") == an_account()

    async def test_a_zombie_commits_nothing_once_its_time_is_over(
        self, ledger: MongoLedger, clock: Clock
    ) -> None:
        zombie = await hold(ledger)

        clock.now_s += 10
        with pytest.raises(LostRaceError):
            await zombie.commit()

        assert await ledger.account("alice") is None

    async def test_it_commits_until_then(self, ledger: MongoLedger, clock: Clock) -> None:
        zombie = await hold(ledger)

        clock.now_s += 9.9
        await zombie.commit()

        assert await ledger.account("alice") is not None


class TestCommit:
    @pytest.fixture
    def commit(self, ledger: MongoLedger, fates: Scripted) -> Callable[..., Awaitable[None]]:
        """Return what writes an account, each commit of which has one of the fates given."""

        async def write_one(*commits: Fate) -> None:
            fates.operation, fates.fates = COMMIT, list(commits)
            await write(ledger, accounts=[an_account()])

        return write_one

    async def test_made_and_answered_with_an_error_without_a_label(
        self, commit: Callable[..., Awaitable[None]], ledger: MongoLedger
    ) -> None:
        error = error_of(LateError, 11601)

        await commit(Fate(said=Said.ERROR, error=error))

        assert await ledger.account("alice") is not None

    async def test_not_made_and_answered_with_one_that_says_unknown(
        self, commit: Callable[..., Awaitable[None]], ledger: MongoLedger
    ) -> None:
        error = error_of(ToldError, 50)

        with pytest.raises(CommitUnknownError):
            await commit(*[Fate(done=False, said=Said.ERROR, error=error)] * 3)

        assert await ledger.account("alice") is None

    async def test_under_way_while_it_is_asked_again(
        self, commit: Callable[..., Awaitable[None]], ledger: MongoLedger, fates: Scripted
    ) -> None:
        error = error_of(ToldError, 11601)
        lost = Fate(done=False, said=Said.ERROR, error=error)

        with pytest.raises(CommitUnknownError):
            await commit(Fate(before_s=LATE_S), lost, lost)
        await asyncio.sleep(LATE_S)

        # Superseded meanwhile: the server refuses what arrives late.
        assert fates.struck == 3
        assert await ledger.account("alice") is None

    async def test_one_that_arrives_late_is_made_where_nothing_superseded_it(
        self, connect: Callable[[], MongoClient], fates: Scripted
    ) -> None:
        client = connect()
        command = {"insert": "emails", "documents": [{"_id": "a", "username": "alice"}]}
        session = await client.begin()
        await client.run(command, session=session)

        fates.operation, fates.fates = COMMIT, [Fate(before_s=LATE_S)]
        with pytest.raises(Exception, match="timed out"):
            await session.commit_transaction()
        before = await client.page("emails", {}, {"_id": 1}, 9)
        await asyncio.sleep(LATE_S)

        assert not before
        assert len(await client.page("emails", {}, {"_id": 1}, 9)) == 1
        await session.commit_transaction()

    async def test_never_answered(
        self, commit: Callable[..., Awaitable[None]], ledger: MongoLedger
    ) -> None:
        with pytest.raises(CommitUnknownError):
            await commit(NEVER, NEVER, NEVER)

        assert await ledger.account("alice") is not None

    async def test_an_outage_that_lasts(
        self, commit: Callable[..., Awaitable[None]], ledger: MongoLedger
    ) -> None:
        error = error_of(BrokenError)

        with pytest.raises(CommitUnknownError):
            await commit(*[Fate(done=False, said=Said.ERROR, error=error)] * 3)

        assert await ledger.account("alice") is None

    async def test_refused_for_certain(
        self, commit: Callable[..., Awaitable[None]], ledger: MongoLedger
    ) -> None:
        error = error_of(ToldError, 112, "TransientTransactionError")

        with pytest.raises(LostRaceError):
            await commit(Fate(done=False, said=Said.ERROR, error=error))

        assert await ledger.account("alice") is None


class TestTheWorld:
    async def test_an_older_copy_is_all_that_is_there_after_it_was_restored(
        self, ledger: MongoLedger, server: MongoServer
    ) -> None:
        await write(ledger, accounts=[an_account("alice")])
        copy = server.copy()
        await write(ledger, accounts=[an_account("bob")])
        open_one = await hold(ledger, "carol")

        server.restore(copy)

        with pytest.raises(LostRaceError):
            await open_one.commit()
        stored = server.everything("books")
        assert [each["_id"] for each in stored["accounts"]] == ["alice"]
        await write(ledger, accounts=[an_account("bob")])
        assert [each["_id"] for each in server.everything("books")["accounts"]] == ["alice", "bob"]
        server.restore(copy)
        assert [each["_id"] for each in server.everything("books")["accounts"]] == ["alice"]

    async def test_a_new_primary_knows_no_open_transaction(
        self, ledger: MongoLedger, server: MongoServer
    ) -> None:
        open_one = await hold(ledger)

        server.step_down()

        with pytest.raises(LostRaceError):
            await open_one.commit()
        assert server.sessions.open_now() == 0

    async def test_what_is_read_is_a_copy(self, ledger: MongoLedger, server: MongoServer) -> None:
        await write(ledger, accounts=[an_account()])

        server.everything("books")["accounts"][0]["version"] = 77

        assert await ledger.account("alice") == an_account()

    async def test_a_server_of_the_schema_is_made_once_and_copied(
        self, ledger: MongoLedger, server: MongoServer, connect: Callable[[], MongoClient]
    ) -> None:
        empty = server.copy()
        await write(ledger, accounts=[an_account()])
        server.restore(empty)
        asked = server.asked.copy()

        await MongoLedger(connect()).prepare()

        assert set(server.everything("books")) == set(COLLECTIONS)
        assert server.asked["createIndexes"] == asked["createIndexes"]

    async def test_what_is_no_document_is_refused_as_by_the_driver(
        self, connect: Callable[[], MongoClient]
    ) -> None:
        refused: list[Any] = [{"n": 2**63}, {1: "no text"}, {"o": object()}]
        for wrong in refused:
            command = {"insert": "c", "documents": [{"_id": "a", **wrong}]}
            with pytest.raises((OverflowError, InvalidDocument)):
                await connect().run(command)
