"""Has a real MongoDB answer commands with errors, after they were carried out or instead."""

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pymongo import MongoClient

NOT_DONE: Mapping[str, Mapping[str, Any]] = {
    "the connection breaks": {"closeConnection": True},
    "interrupted": {"errorCode": 11601},
    "the primary stepped down": {"errorCode": 189},
    "shutting down": {"errorCode": 91},
    "took too long": {"errorCode": 50},
    "an internal error": {"errorCode": 1},
    "not allowed": {"errorCode": 13},
    "no space left": {"errorCode": 14031},
    "a write conflict": {"errorCode": 112, "errorLabels": ["TransientTransactionError"]},
}
"""What `failCommand` does instead of the commit, by what it stands for."""

DONE: Mapping[str, Mapping[str, Any]] = {
    "interrupted": {"writeConcernError": {"code": 11601, "errmsg": "operation was interrupted"}},
    "the primary stepped down": {
        "writeConcernError": {"code": 189, "errmsg": "Primary stepped down"}
    },
    "shutting down": {"writeConcernError": {"code": 91, "errmsg": "shutdown in progress"}},
    "the members are too slow": {"writeConcernError": {"code": 64, "errmsg": "waiting timed out"}},
    "there are too few members": {
        "writeConcernError": {"code": 100, "errmsg": "Not enough data-bearing nodes"}
    },
    "took too long": {"writeConcernError": {"code": 50, "errmsg": "operation exceeded time limit"}},
    "a write conflict": {"writeConcernError": {"code": 112, "errmsg": "write conflict"}},
    "an unknown code": {"writeConcernError": {"code": 999_999, "errmsg": "something new"}},
}
"""What it adds to the answer of a commit that it lets be made."""


REACHED_MS = 60_000
"""Longest wait for a command to come to where it is held up."""


@dataclass
class Struck:
    """What became of one fail point."""

    count: int = 0
    """Commands that it answered, known once it is over."""


@contextmanager
def failing(uri: str, command: str, answer: Mapping[str, Any], *, times: int) -> Generator[Struck]:
    """Have the next *times* calls of *command* by our own clients answered so."""
    struck = Struck()
    with MongoClient[dict[str, Any]](uri) as client:
        data = {"failCommands": [command], "appName": "accounts", **answer}
        before = client.admin.command(
            {"configureFailPoint": "failCommand", "mode": {"times": times}, "data": data}
        )
        try:
            yield struck
        finally:
            after = client.admin.command({"configureFailPoint": "failCommand", "mode": "off"})
            struck.count = after["count"] - before["count"]


@contextmanager
def held_up(uri: str, place: str) -> Generator[Callable[[], None]]:
    """Have the server wait at *place*, a fail point of its own; yields what returns once it does."""
    with MongoClient[dict[str, Any]](uri) as client:
        before = client.admin.command({"configureFailPoint": place, "mode": "alwaysOn"})["count"]

        def reached() -> None:
            client.admin.command(
                {"waitForFailPoint": place, "timesEntered": before + 1, "maxTimeMS": REACHED_MS}
            )

        try:
            yield reached
        finally:
            client.admin.command({"configureFailPoint": place, "mode": "off"})
