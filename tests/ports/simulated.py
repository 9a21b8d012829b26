"""The adapters of MongoDB over the simulated server, where nothing ever goes wrong on the way."""

from time import time

import pytest

from devstack.choose import Chosen
from storage.mongo.client import MongoClient, MongoOptions
from tests.macs import KEYS
from tests.simulation.mongo.driver import connecting
from tests.simulation.mongo.server import MongoServer
from tests.simulation.mongo.sides import Scripted
from tests.simulation.network import Network

ON_MONGODB = (
    "simulated",
    pytest.param("pymongo", marks=pytest.mark.mongo),
    pytest.param("motor", marks=pytest.mark.mongo),
)
"""Where the adapters of MongoDB are tested."""

SCHEME = "simulated://"
"""Begins the addresses of servers that are made for one test."""

_SERVERS: dict[str, MongoServer] = {}


def options_of(request: pytest.FixtureRequest) -> MongoOptions:
    """Return where to connect to, by one of `ON_MONGODB`: a simulated server is the test's own."""
    if request.param == "simulated":
        uri = f"{SCHEME}{len(_SERVERS)}"
        _SERVERS[uri] = MongoServer(time)
        return MongoOptions(uri=uri, database="books", account_keys=KEYS)
    stack: Chosen = request.getfixturevalue("stack")
    database: str = request.getfixturevalue("database")
    return MongoOptions(
        account_keys=KEYS,
        uri=stack.addresses.mongodb,
        database=f"{database}-{request.param}",
        driver=request.param,
    )


def connected(options: MongoOptions) -> MongoClient:
    """Connect to a simulated server, or a real one."""
    if not options.uri.startswith(SCHEME):
        return MongoClient(options)
    return MongoClient(options, connect=connecting(_SERVERS[options.uri], Network(Scripted())))
