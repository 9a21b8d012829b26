"""Whatever is answered to a commit, nobody takes one that was made for one that was not (P5)."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import replace
from itertools import product
from typing import Any
from uuid import uuid4

import pytest
from pymongo.errors import (
    AutoReconnect,
    OperationFailure,
    PyMongoError,
    WriteConcernError,
    WTimeoutError,
)

from devstack.choose import Chosen
from storage.mongo.client import MongoClient, MongoOptions, MongoSession
from storage.mongo.errors import nothing_was_committed
from storage.mongo.ledger import MongoLedger
from storage.ports.errors import CommitUnknownError, LostRaceError, StoreUnavailableError
from tests.builders import an_account, some_changes
from tests.macs import KEYS
from tests.ports.fail_points import DONE, NOT_DONE, failing, held_up
from tests.ports.waiting import until
from tests.ports.written import write

HURRY_MS = 1000
"""Short enough for a test: what makes the driver look for another primary takes that long."""

NOT_PRIMARY = {"the primary stepped down", "shutting down"}
"""The driver waits for a new primary, and asks that one."""

CERTAIN = "a write conflict"
"""The server itself has undone everything by then; the fail point only says so."""

TRANSIENT = "TransientTransactionError"
UNKNOWN = "UnknownTransactionCommitResult"
SERVER_CODES = (
    *(1, 6, 7, 13, 18, 24, 50, 64, 79, 89, 91, 100, 112, 189, 225, 246, 251, 256, 257, 262, 263),
    *(8000, 9001, 10107, 11000, 11600, 11601, 11602, 13388, 13435, 13436, 14031, 50_768, 999_999),
)
"""Of the server's error classes: network, shutdown, interruption, not primary, write concern,
snapshot, transient transaction, quota, permission; and one that there is not."""


def every_class(base: type[PyMongoError] = PyMongoError) -> Iterator[type[PyMongoError]]:
    """Yield the driver's error classes, this one and all below it."""
    yield base
    for each in base.__subclasses__():
        yield from every_class(each)


KINDS = sorted(set(every_class()), key=lambda kind: kind.__name__)


def an_error(kind: type[PyMongoError], code: int | None, labels: tuple[str, ...]) -> PyMongoError:
    """Return an error as the driver raises it."""
    details: dict[str, Any] = {"code": code, "errmsg": "told to fail", "errorLabels": list(labels)}
    error = kind.__new__(kind)  # each class has arguments of its own
    if isinstance(error, OperationFailure):
        OperationFailure.__init__(error, "told to fail", code, details)
    else:
        PyMongoError.__init__(error, "told to fail")
    for label in labels:
        error._add_error_label(label)  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
    return error


async def absent(ledger: MongoLedger, username: str) -> bool:
    """Say whether no such account is stored."""
    return await ledger.account(username) is None


def answer_commits(session: MongoSession, error: PyMongoError, *, done: bool) -> None:
    """Have commits of *session* made, or not, and then answered with an error every time."""
    really: Callable[[], Awaitable[None]] = session.commit_transaction

    async def commit_transaction() -> None:
        if done:
            await really()
        raise error

    session.commit_transaction = commit_transaction


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("labels", [(), (UNKNOWN,), (TRANSIENT,), (TRANSIENT, UNKNOWN)])
def test_only_a_server_can_say_that_nothing_was_committed(
    kind: type[PyMongoError], labels: tuple[str, ...]
) -> None:
    certain = nothing_was_committed(an_error(kind, 112, labels))

    answered = issubclass(kind, OperationFailure) and not issubclass(kind, WriteConcernError)
    assert certain == (answered and TRANSIENT in labels)


@pytest.mark.parametrize("code", SERVER_CODES)
def test_no_code_alone_says_that_nothing_was_committed(code: int) -> None:
    late: dict[str, Any] = {
        "code": code,
        "errmsg": "late",
        "errorLabels": [TRANSIENT],
        "writeConcernError": {},
    }

    assert not nothing_was_committed(an_error(OperationFailure, code, ()))
    assert nothing_was_committed(OperationFailure("x", code, {"errorLabels": [TRANSIENT]}))
    assert not nothing_was_committed(WriteConcernError("x", code, late))
    late["writeConcernError"] = {"code": code}
    assert not nothing_was_committed(OperationFailure("x", code, late))


@pytest.mark.mongo
@pytest.mark.parametrize("driver", ["pymongo", "motor"])
class TestCommit:
    @pytest.fixture
    def username(self) -> str:
        """Return a name of the test's own: what is not committed stays open for a while."""
        return f"user-{uuid4().hex[:12]}"

    @pytest.fixture
    async def client(self, driver: Any, stack: Chosen, database: str) -> AsyncIterator[MongoClient]:
        client = MongoClient(
            MongoOptions(
                account_keys=KEYS,
                uri=f"{stack.addresses.mongodb}&heartbeatFrequencyMS=500",
                database=f"{database}-{driver}",
                driver=driver,
                timeout_ms=HURRY_MS,
            )
        )
        await MongoLedger(client).prepare()
        yield client
        await client.close()

    @pytest.mark.parametrize(
        ("done", "name"), [*product([True], DONE), *product([False], NOT_DONE)]
    )
    async def test_is_unknown_or_really_not_made(
        self, client: MongoClient, stack: Chosen, username: str, name: str, *, done: bool
    ) -> None:
        ledger = MongoLedger(client)
        answer = (DONE if done else NOT_DONE)[name]

        said = None
        with failing(stack.addresses.mongodb, "commitTransaction", answer, times=100):
            async with ledger.transaction() as transaction:
                await transaction.apply(some_changes(accounts=[an_account(username)]))
                try:
                    await transaction.commit()
                except (CommitUnknownError, LostRaceError) as error:
                    said = type(error)

        if done or said is None:
            await until(lambda: ledger.account(username), pass_over=(StoreUnavailableError,))
        else:
            await until(lambda: absent(ledger, username), pass_over=(StoreUnavailableError,))
        assert said is not LostRaceError or "errorLabels" in answer
        assert said is not None or name in NOT_PRIMARY

    @pytest.mark.parametrize("name", sorted(NOT_DONE.keys() - NOT_PRIMARY - {CERTAIN}))
    async def test_not_made_it_keeps_nobody_from_the_account(
        self, client: MongoClient, stack: Chosen, username: str, name: str
    ) -> None:
        """At once: the server itself would end it only when its lifetime is over."""
        ledger, other = MongoLedger(client), MongoClient(client.options)

        refused = failing(stack.addresses.mongodb, "commitTransaction", NOT_DONE[name], times=100)
        with refused, pytest.raises(CommitUnknownError):
            await write(ledger, accounts=[an_account(username)])
        await write(MongoLedger(other), accounts=[an_account(username)])
        await other.close()

        assert await ledger.account(username) == an_account(username)

    async def test_under_way_it_is_left_to_its_end(
        self, client: MongoClient, stack: Chosen, username: str
    ) -> None:
        patient = MongoClient(replace(client.options, timeout_ms=60_000))

        async with MongoLedger(patient).transaction() as transaction:
            await transaction.apply(some_changes(accounts=[an_account(username)]))
            work: Any = transaction
            with held_up(stack.addresses.mongodb, "hangBeforeCommitingTxn") as reached:
                committing = asyncio.create_task(transaction.commit())
                await asyncio.to_thread(reached)
                await work._supersede(work._session)  # noqa: SLF001
            await committing
        await patient.close()

        assert await MongoLedger(client).account(username) == an_account(username)

    @pytest.mark.parametrize("name", sorted(DONE.keys() - NOT_PRIMARY))
    async def test_asked_once_more_it_is_known(
        self, client: MongoClient, stack: Chosen, username: str, name: str
    ) -> None:
        ledger = MongoLedger(client)

        with failing(stack.addresses.mongodb, "commitTransaction", DONE[name], times=2):
            async with ledger.transaction() as transaction:
                await transaction.apply(some_changes(accounts=[an_account(username)]))
                await transaction.commit()

        await until(lambda: ledger.account(username), pass_over=(StoreUnavailableError,))

    @pytest.mark.parametrize("done", [True, False])
    @pytest.mark.parametrize(
        "kind", [PyMongoError, AutoReconnect, OperationFailure, WriteConcernError, WTimeoutError]
    )
    async def test_no_error_of_the_driver_is_taken_for_certain(
        self,
        client: MongoClient,
        username: str,
        kind: type[PyMongoError],
        *,
        done: bool,
    ) -> None:
        ledger = MongoLedger(client)
        async with ledger.transaction() as transaction:
            await transaction.apply(some_changes(accounts=[an_account(username)]))
            work: Any = transaction
            answer_commits(work._session, an_error(kind, 11_601, ()), done=done)  # noqa: SLF001
            with pytest.raises(CommitUnknownError):
                await transaction.commit()

        if done:
            await until(lambda: ledger.account(username))
        else:
            assert await ledger.account(username) is None
