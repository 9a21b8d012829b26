"""What stands in the database, read without the service's own code."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

from pymongo import MongoClient
from pymongo.database import Database

from tests.e2e.running import RunningService

Document: TypeAlias = dict[str, Any]


@dataclass(frozen=True)
class Stored:
    """Everything at one moment."""

    outcomes: Mapping[str, Document]
    """`<username>:<command id>` → the decision."""
    posted_minor: Mapping[str, int]
    """Username → the sum of its balances; all are in one currency here."""
    books_minor: int
    """What all users and all houses come to together (P13)."""
    hashes: Mapping[str, str]
    """Username → the hash of its password."""


def read_stored(service: RunningService) -> Stored:
    """Read everything. Blocks: call it in a thread."""
    with _database(service) as database:
        posted_minor = {
            one["_id"]: sum(balance["posted_minor"] for balance in one["balances"])
            for one in database.accounts.find()
        }
        houses_minor = sum(int(str(one["sum"])) for one in database.houses.find())
        return Stored(
            outcomes={one["_id"]: one for one in database.outcomes.find()},
            posted_minor=posted_minor,
            books_minor=sum(posted_minor.values()) + houses_minor,
            hashes={one["_id"]: one["hash"] for one in database.credentials.find()},
        )


def is_decided(service: RunningService, body: Mapping[str, Any]) -> bool:
    """Say whether the command with this body has its outcome."""
    wanted = {"_id": f"{body['username']}:{body['command_id']}"}
    with _database(service) as database:
        return database.outcomes.find_one(wanted) is not None


@contextmanager
def _database(service: RunningService) -> Generator[Database[Document]]:
    with MongoClient[Document](service.addresses.mongodb) as client:
        yield client[service.database]
