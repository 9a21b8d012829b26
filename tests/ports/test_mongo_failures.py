"""What MongoDB's failures become, on both drivers."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Generator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from devstack.choose import Chosen
from devstack.server import Server
from storage.mongo.client import MongoClient, MongoOptions
from storage.mongo.ledger import MongoLedger
from storage.ports.errors import (
    CommitUnknownError,
    LostRaceError,
    StoreCheckError,
    StoreUnavailableError,
)
from tests.builders import an_account, some_changes
from tests.macs import KEYS
from tests.ports.waiting import until
from tests.ports.written import write

pytestmark = pytest.mark.mongo

HURRY_MS = 400
"""Short enough for a test, long enough for a server that answers."""


@pytest.fixture(params=["pymongo", "motor"])
def options(request: pytest.FixtureRequest, stack: Chosen, database: str) -> MongoOptions:
    """Return where MongoDB is."""
    return MongoOptions(
        account_keys=KEYS,
        uri=stack.addresses.mongodb,
        database=f"{database}-{request.param}",
        driver=request.param,
    )


@pytest.fixture
async def ledgers(options: MongoOptions) -> AsyncIterator[Callable[[MongoOptions], MongoLedger]]:
    """Yield a maker of ledgers that are closed after the test; the database is empty."""
    clients: list[MongoClient] = []

    def make(options: MongoOptions) -> MongoLedger:
        clients.append(MongoClient(options))
        return MongoLedger(clients[-1])

    await make(options).prepare()
    await clients[0].run({"delete": "accounts", "deletes": [{"q": {}, "limit": 0}]})
    yield make
    for client in clients:
        await client.close()


Make = Callable[[MongoOptions], MongoLedger]


@pytest.fixture
def ledger(ledgers: Make, options: MongoOptions) -> MongoLedger:
    """Return a ledger with nothing special."""
    return ledgers(options)


@pytest.fixture
def server(stack: Chosen) -> Server:
    """Return the server process, where it is ours to stop."""
    if stack.stack is None:
        pytest.skip("only a local server process can be paused")
    return stack.stack.mongodb


@contextmanager
def paused(server: Server) -> Generator[None]:
    server.pause()
    try:
        yield
    finally:
        server.resume()


async def test_a_silent_server_is_unavailable_in_time(
    ledgers: Make, options: MongoOptions, server: Server
) -> None:
    ledger = ledgers(replace(options, timeout_ms=HURRY_MS))
    await ledger.account("alice")

    with paused(server):
        async with asyncio.timeout(10):
            with pytest.raises(StoreUnavailableError, match=r"MongoDB"):
                await ledger.account("alice")
            with pytest.raises(StoreUnavailableError, match=r"MongoDB"):
                await write(ledger, accounts=[an_account()])

    assert await ledgers(options).account("alice") is None


async def test_nobody_there_is_unavailable_in_time(ledgers: Make, options: MongoOptions) -> None:
    with socket.socket() as taken:  # bound but not listening: refuses
        taken.bind(("127.0.0.1", 0))
        uri = f"mongodb://127.0.0.1:{taken.getsockname()[1]}/?directConnection=true"
        ledger = ledgers(replace(options, uri=uri, timeout_ms=HURRY_MS))

        async with asyncio.timeout(10):
            with pytest.raises(StoreUnavailableError, match=r"MongoDB does not answer"):
                await ledger.account("alice")


async def test_a_commit_nobody_answers_is_unknown(
    ledgers: Make, options: MongoOptions, server: Server
) -> None:
    ledger = ledgers(replace(options, timeout_ms=HURRY_MS))

    async with asyncio.timeout(20), ledger.transaction() as transaction:
        await transaction.apply(some_changes(accounts=[an_account()]))
        with paused(server), pytest.raises(CommitUnknownError):
            await transaction.commit()

    await until(lambda: can_write(ledgers(options)), within_s=30, pass_over=(LostRaceError,))


async def test_reading_alone_is_committed_by_the_server(
    ledgers: Make, options: MongoOptions, server: Server
) -> None:
    """What was read must be what a majority has: only the server's answer says so."""
    ledger = ledgers(replace(options, timeout_ms=HURRY_MS))

    async with asyncio.timeout(20), ledger.transaction() as transaction:
        assert await transaction.accounts(["alice"]) == {}
        with paused(server), pytest.raises(CommitUnknownError):
            await transaction.commit()


async def can_write(ledger: MongoLedger) -> bool:
    """Gather again, and write what follows from it."""
    stored = await ledger.account("alice")
    await write(ledger, accounts=[an_account(version=1 if stored is None else 2)])
    return True


async def test_a_cancelled_commit_is_carried_out(ledger: MongoLedger) -> None:
    async def commit_and_say() -> None:
        async with ledger.transaction() as transaction:
            await transaction.apply(some_changes(accounts=[an_account()]))
            committing.set()
            await transaction.commit()

    committing = asyncio.Event()
    task = asyncio.create_task(commit_and_say())
    await committing.wait()
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    await until(lambda: ledger.account("alice"))


async def test_a_cancellation_is_never_lost(ledger: MongoLedger) -> None:
    async def read() -> None:
        reading.set()
        for _ in range(100):
            await ledger.account("alice")

    for turn in range(60):
        reading = asyncio.Event()
        task = asyncio.create_task(read())
        await reading.wait()
        await asyncio.sleep(turn / 20_000)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_a_cancelled_transaction_hinders_nobody(ledger: MongoLedger) -> None:
    async def hold() -> None:
        async with ledger.transaction() as transaction:
            await transaction.apply(some_changes(accounts=[an_account()]))
            written.set()
            while True:
                await transaction.accounts(["alice"])

    written = asyncio.Event()
    task = asyncio.create_task(hold())
    await written.wait()
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    # Sooner than the 10 s after which the server would have ended it.
    await until(lambda: can_write(ledger), within_s=8, pass_over=(LostRaceError,))


async def test_a_transaction_that_the_server_has_ended_is_a_lost_race(
    ledgers: Make, options: MongoOptions
) -> None:
    client = MongoClient(options)
    async with ledgers(options).transaction() as transaction:
        await transaction.apply(some_changes(accounts=[an_account()]))
        await client.run({"killAllSessions": []}, database="admin")

        with pytest.raises(LostRaceError):
            await transaction.commit()
    await client.close()


async def test_it_resumes_after_a_restart(
    ledgers: Make, options: MongoOptions, server: Server
) -> None:
    ledger = ledgers(options)
    await write(ledger, accounts=[an_account()])
    server.kill()
    await asyncio.to_thread(server.restart)

    await until(lambda: ledger.account("alice"), within_s=60, pass_over=(StoreUnavailableError,))

    stored = await ledger.account("alice")
    assert stored == an_account()


@pytest.mark.parametrize(
    "changed",
    [
        {"uri": "http://u:secret@127.0.0.1"},
        {"uri": "mongodb://u:secret@127.0.0.1:port"},
        {"tls_ca_file": "/nowhere/ca.pem", "tls": True, "password": "secret", "username": "u"},
    ],
)
async def test_a_wrong_address_says_what_to_write(
    options: MongoOptions, changed: dict[str, str]
) -> None:
    """P9: the message may end in a log, so the address stays out of it."""
    wrong = replace(options, **changed)

    with pytest.raises(StoreCheckError, match=r"mongodb://host:port") as caught:
        MongoClient(wrong)

    assert "secret" not in str(caught.value)
    assert "secret" not in repr(wrong)
