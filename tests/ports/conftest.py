"""Every adapter of the ledger and the credentials, empty for each test."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from uuid import uuid4

import pytest
from pymongo import MongoClient as PlainClient

from devstack.choose import Chosen
from storage.memory.houses import MemoryHouses
from storage.memory.identities import MemoryIdentities, MemoryThrottles
from storage.memory.ledger import MemoryCredentials, MemoryLedger
from storage.mongo.client import MongoClient, MongoOptions
from storage.mongo.credentials import MongoCredentials
from storage.mongo.houses import MongoHouses
from storage.mongo.identities import MongoIdentities
from storage.mongo.ledger import MongoLedger
from storage.mongo.schema import COLLECTIONS
from storage.mongo.throttles import MongoThrottles
from storage.ports.credentials import Credentials
from storage.ports.houses import Houses
from storage.ports.identity import Identities, Throttles
from tests.ports.simulated import ON_MONGODB, connected, options_of


@dataclass(frozen=True, kw_only=True)
class Store:
    """One adapter of each port, over the same data."""

    ledger: MongoLedger | MemoryLedger
    credentials: Credentials
    identities: Identities
    throttles: Throttles
    client: MongoClient | None = None
    """Behind all of them, where it is MongoDB."""


@pytest.fixture(scope="module")
def database(stack: Chosen) -> Iterator[str]:
    """Yield a database name of this module's own."""
    name = f"ports-{uuid4().hex}"
    yield name
    with PlainClient[dict[str, object]](stack.addresses.mongodb) as client:
        for each in client.list_database_names():
            if each.startswith(name):
                client.drop_database(each)


@pytest.fixture(params=["memory", *ON_MONGODB])
def options(request: pytest.FixtureRequest) -> MongoOptions | None:
    """Return where to keep everything: None is memory."""
    return None if request.param == "memory" else options_of(request)


@pytest.fixture
async def store(options: MongoOptions | None) -> AsyncIterator[Store]:
    """Yield each adapter in turn, empty."""
    if options is None:
        memory = MemoryLedger()
        credentials = MemoryCredentials(memory)
        yield Store(
            ledger=memory,
            credentials=credentials,
            identities=MemoryIdentities(credentials),
            throttles=MemoryThrottles(),
        )
        return
    client = connected(options)
    ledger = MongoLedger(client)
    await ledger.prepare()
    for name in COLLECTIONS:
        await client.run({"delete": name, "deletes": [{"q": {}, "limit": 0}]})
    yield Store(
        ledger=ledger,
        credentials=MongoCredentials(client),
        identities=MongoIdentities(client),
        throttles=MongoThrottles(client),
        client=client,
    )
    await client.close()


@pytest.fixture
def ledger(store: Store) -> MongoLedger | MemoryLedger:
    """Return the ledger alone."""
    return store.ledger


@pytest.fixture
def credentials(store: Store) -> Credentials:
    """Return the credentials alone."""
    return store.credentials


@pytest.fixture
def identities(store: Store) -> Identities:
    """Return the identities alone."""
    return store.identities


@pytest.fixture
def throttles(store: Store) -> Throttles:
    """Return the throttles alone."""
    return store.throttles


@pytest.fixture
def client(store: Store) -> MongoClient:
    """Return the connection behind the store, where that is MongoDB."""
    assert store.client is not None
    return store.client


@pytest.fixture
def houses(store: Store) -> Houses:
    if isinstance(store.ledger, MemoryLedger):
        return MemoryHouses(store.ledger)
    assert store.client is not None
    return MongoHouses(store.client)
