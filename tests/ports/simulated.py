"""The adapters of MongoDB over the simulated server, where nothing ever goes wrong on the way."""

from time import time

from storage.mongo.client import MongoClient, MongoOptions
from tests.macs import KEYS
from tests.simulation.mongo.driver import connecting
from tests.simulation.mongo.server import MongoServer
from tests.simulation.mongo.sides import Scripted
from tests.simulation.network import Network

SCHEME = "simulated://"
"""Begins the addresses of servers that are made for one test."""

_SERVERS: dict[str, MongoServer] = {}


def simulated_options() -> MongoOptions:
    """Return the address of a server of the test's own, empty."""
    uri = f"{SCHEME}{len(_SERVERS)}"
    _SERVERS[uri] = MongoServer(time)
    return MongoOptions(uri=uri, database="books", account_keys=KEYS)


def connected(options: MongoOptions) -> MongoClient:
    """Connect to a simulated server, or a real one."""
    if not options.uri.startswith(SCHEME):
        return MongoClient(options)
    return MongoClient(options, connect=connecting(_SERVERS[options.uri], Network(Scripted())))
