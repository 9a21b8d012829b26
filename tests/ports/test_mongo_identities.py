"""What the identity worker's data looks like in MongoDB, and what it does when that is away."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from devstack.choose import Chosen
from devstack.server import Server
from handlers.identity.throttling import Allowance, ThrottleRule
from storage.mongo.client import MongoClient, MongoOptions, MongoSession
from storage.mongo.documents.accounts import Document
from storage.mongo.identities import MongoIdentities
from storage.mongo.schema import SESSIONS_INDEX
from storage.mongo.throttles import MongoThrottles
from storage.ports.errors import LostRaceError, StoreUnavailableError
from storage.ports.identity import IdentityChanges
from tests.builders import NOON
from tests.identity_builders import a_credential, a_session, an_answered
from tests.macs import KEYS
from tests.ports.conftest import Store
from tests.ports.waiting import until

pytestmark = pytest.mark.mongo

HURRY_MS = 400
"""Short enough for a test, long enough for a server that answers."""

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
USER = ThrottleRule(free=0)
BUDGET = ThrottleRule(free=100, failures_max=100, one_back_every=HOUR)
SOURCE = ThrottleRule(free=1)
PATIENT = ThrottleRule(free=1000)
PROCESSES = 5


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
async def hurried(store: Store, options: MongoOptions) -> AsyncIterator[MongoClient]:
    """Yield a connection that gives up soon; the collections are there."""
    assert store.client is not None
    client = MongoClient(replace(options, timeout_ms=HURRY_MS))
    yield client
    await client.close()


@pytest.fixture
def server(stack: Chosen) -> Server:
    """Return the server process, where it is ours to stop."""
    if stack.stack is None:
        pytest.skip("only a local server process can be paused")
    return stack.stack.mongodb


class ForgivenBeforeAWrite(MongoClient):
    """Has somebody forgive everything of one subject before its first update."""

    def __init__(self, options: MongoOptions, store: Store, subject: str) -> None:
        super().__init__(options)
        self._others = store.throttles
        self._subjects = [subject]

    async def run(
        self,
        command: Document,
        *,
        session: MongoSession | None = None,
        database: str | None = None,
        ignored: int | None = None,
    ) -> Document:
        if "update" in command and self._subjects:
            await self._others.forgive(self._subjects.pop(), all_of_them=True)
        return await super().run(command, session=session, database=database, ignored=ignored)


async def stored(client: MongoClient, collection: str) -> dict[str, Any]:
    """Return the only document there is."""
    (document,) = (await client.run({"find": collection}))["cursor"]["firstBatch"]
    return document


async def test_a_credential_stored_before_it_had_a_version_is_the_first(
    store: Store, client: MongoClient
) -> None:
    old = {"_id": "alice", "command_id": "one", "hash": "$x$hash", "created_at": NOON}
    await client.run({"insert": "credentials", "documents": [old]})

    first = await store.identities.credential("alice")
    await store.identities.apply(IdentityChanges(answered=an_answered("r1"), relied_on=first))
    new = a_credential(epoch=1, version=2, relied_on=1)
    await store.identities.apply(IdentityChanges(answered=an_answered("r2"), credential=new))

    assert first == a_credential()
    assert await store.identities.credential("alice") == new


async def test_no_session_is_opened_while_the_password_changes(
    store: Store, client: MongoClient
) -> None:
    await store.credentials.insert([a_credential()])
    login = IdentityChanges(answered=an_answered(), opened=[a_session()], relied_on=a_credential())
    changing = await client.begin()
    update: Any = {"q": {"_id": "alice"}, "u": {"$set": {"version": 2}}}
    await client.run({"update": "credentials", "updates": [update]}, session=changing)

    with pytest.raises(LostRaceError):
        await store.identities.apply(login)

    await changing.abort_transaction()
    await changing.end_session()
    await store.identities.apply(login)


async def test_what_is_optional_is_absent_rather_than_null(
    store: Store, client: MongoClient
) -> None:
    await store.identities.apply(IdentityChanges(answered=an_answered(), opened=[a_session()]))
    await store.throttles.count("source:a", rule=SOURCE, now=NOON)

    for collection in ("sessions", "requests", "throttles"):
        assert None not in (await stored(client, collection)).values()


async def test_an_ended_session_is_not_in_the_way_of_those_that_live(
    store: Store, client: MongoClient
) -> None:
    await store.identities.apply(IdentityChanges(answered=an_answered(), opened=[a_session()]))
    ended = a_session(version=2, ended_at=NOON, ended_reason="logout")
    await store.identities.apply(IdentityChanges(answered=an_answered("r2"), changed=[ended]))

    of_alice: Any = {"find": "sessions", "filter": {"username": "alice"}, "hint": SESSIONS_INDEX}
    looked_at = (await client.run(of_alice))["cursor"]["firstBatch"]

    assert looked_at == []
    assert await store.identities.session("s1") == ended


@pytest.mark.parametrize("rule", [SOURCE, USER, BUDGET], ids=["source", "user", "budget"])
async def test_every_count_is_deleted_a_day_after_its_last_attempt(
    store: Store, client: MongoClient, rule: ThrottleRule
) -> None:
    for _ in range(2):
        await store.throttles.count("subject", rule=rule, now=NOON)

    expires_at = (await stored(client, "throttles"))["expires_at"]
    assert expires_at.replace(tzinfo=NOON.tzinfo) == NOON + DAY


async def test_a_count_of_a_rule_that_forgot_nothing_ends_under_one_that_does(
    store: Store, client: MongoClient
) -> None:
    locked: dict[str, Any] = {"_id": "user:alice", "failures": 100, "last_at": NOON}
    await client.run({"insert": "throttles", "documents": [locked]})

    refused = await store.throttles.count("user:alice", rule=BUDGET, now=NOON)
    later = await store.throttles.count("user:alice", rule=BUDGET, now=NOON + HOUR)

    assert (refused.allowed, refused.retry_at) == (False, NOON + HOUR)
    assert later.allowed


async def test_a_refused_attempt_writes_nothing(store: Store, client: MongoClient) -> None:
    await store.throttles.count("user:alice", rule=USER, now=NOON)
    before = await stored(client, "throttles")

    await store.throttles.count("user:alice", rule=USER, now=NOON)

    assert await stored(client, "throttles") == before
    assert set(before) == {"_id", "failures", "blocked_until", "last_at", "expires_at"}


async def test_no_attempt_slips_through_between_processes(client: MongoClient) -> None:
    processes = [MongoThrottles(client) for _ in range(PROCESSES)]
    rule = ThrottleRule(free=9)

    attempts = await asyncio.gather(
        *(each.count("user:alice", rule=rule, now=NOON) for each in processes * 10)
    )

    assert sum(each.allowed for each in attempts) == 10
    assert (await stored(client, "throttles"))["failures"] == 10


async def test_no_attempt_is_lost_between_processes(client: MongoClient) -> None:
    processes = [MongoThrottles(client) for _ in range(PROCESSES)]
    for _ in range(10):
        await processes[0].count("source:a", rule=PATIENT, now=NOON)

    await asyncio.gather(
        *(each.count("source:a", rule=PATIENT, now=NOON) for each in processes * 4),
        *(each.forgive("source:a", all_of_them=False) for each in processes * 2),
    )

    assert (await stored(client, "throttles"))["failures"] == 10 + PROCESSES * 2


async def test_what_was_forgiven_meanwhile_does_not_come_back(
    store: Store, client: MongoClient
) -> None:
    for _ in range(3):
        await store.throttles.count("source:a", rule=PATIENT, now=NOON)

    interrupted = ForgivenBeforeAWrite(client.options, store, "source:a")
    attempt = await MongoThrottles(interrupted).count("source:a", rule=PATIENT, now=NOON)
    await interrupted.close()

    assert attempt == Allowance(allowed=True, failures=1)
    assert (await stored(client, "throttles"))["failures"] == 1


async def test_a_silent_server_is_unavailable_in_time(hurried: MongoClient, server: Server) -> None:
    identities, throttles = MongoIdentities(hurried), MongoThrottles(hurried)
    await identities.session("s1")
    server.pause()
    try:
        async with asyncio.timeout(20):
            with pytest.raises(StoreUnavailableError):
                await identities.credential("alice")
            with pytest.raises(StoreUnavailableError):
                await identities.live_sessions("alice", now=NOON)
            with pytest.raises(StoreUnavailableError):
                await identities.apply(IdentityChanges(answered=an_answered()))
            with pytest.raises(StoreUnavailableError):
                await throttles.count("user:alice", rule=USER, now=NOON)
            with pytest.raises(StoreUnavailableError):
                await throttles.forgive("user:alice", all_of_them=True)
    finally:
        server.resume()


async def test_a_lock_out_survives_a_restart(store: Store, server: Server) -> None:
    """P8's other half: what must not be forgotten is where nothing is."""
    locked = ThrottleRule(free=0, failures_max=1, one_back_every=DAY)
    await store.throttles.count("user:alice", rule=locked, now=NOON)
    server.kill()
    await asyncio.to_thread(server.restart)

    verdicts: list[bool] = []

    async def answered() -> bool:
        later = NOON + DAY - HOUR
        verdict = await store.throttles.count("user:alice", rule=locked, now=later)
        verdicts.append(verdict.allowed)
        return True

    await until(answered, within_s=60, pass_over=(StoreUnavailableError,))
    assert verdicts == [False]
