"""What can come of one attempt to send a command: as PyMongo sees it, before it tries again."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from pymongo.errors import (
    AutoReconnect,
    NetworkTimeout,
    PyMongoError,
    ServerSelectionTimeoutError,
    WaitQueueTimeoutError,
)

from storage.mongo.documents.accounts import Document
from tests.simulation.mongo.refusals import NAMES, TRANSIENT
from tests.simulation.network import Call

SERVER = "mongodb"
RETRYABLE = "RetryableWriteError"

FINISHING = ("commitTransaction", "abortTransaction")
READING = (
    "find",
    "aggregate",
    "count",
    "getMore",
    "listCollections",
    "listIndexes",
    "ping",
    "hello",
)

_NOT_DONE_CODES = (11601, 50, 189, 91, 1, 13, 14031, 999_999)
_LATE_CODES = (64, 11601, 189, 91, 100, 50, 112, 999_999)
"""Of write concerns that could not be awaited: what was written is there, or is rolled back later."""


class BrokenError(Exception):
    """No answer came."""

    def __init__(self, error: PyMongoError, *, lasts: bool) -> None:
        super().__init__(str(error))
        self.error = error
        self.lasts = lasts
        """Whether it stays so for as long as the caller has patience."""


class ToldError(Exception):
    """The server answered with this instead."""

    def __init__(self, reply: Document) -> None:
        super().__init__(str(reply))
        self.reply = reply


class LateError(Exception):
    """The server answered that it could not await what it wrote to be durable."""

    def __init__(self, error: Document, labels: Sequence[str]) -> None:
        super().__init__(str(error))
        self.error = error
        self.labels = labels


@cache
def call(operation: str, *, in_transaction: bool) -> Call:
    """Return how a command is named to the network, and all that can become of it."""
    errors = [*_SILENCE]
    refusals: list[Callable[[], Exception]] = []
    if operation in FINISHING:
        errors += [_told(code, RETRYABLE) for code in (189, 91, 11600)]
        errors += [_told(code) for code in _NOT_DONE_CODES]
        errors += [_late(code) for code in _LATE_CODES]
        errors += [*(_late(code, RETRYABLE) for code in (189, 91)), _timed_out]
        refusals = [_told(112, TRANSIENT), _told(251, TRANSIENT), _told(225)]
    elif in_transaction:
        errors += [_told(code, TRANSIENT) for code in (189, 91, 11600)]
        errors += [_told(code) for code in _NOT_DONE_CODES]
        refusals = [_told(112, TRANSIENT), _told(251, TRANSIENT), _told(246, TRANSIENT)]
    else:
        errors += [_told(code) for code in _NOT_DONE_CODES]
        if operation not in READING:
            errors += [_late(code) for code in _LATE_CODES]
    return Call(server=SERVER, operation=operation, errors=errors, refusals=refusals)


def _broken(
    make: Callable[[str], PyMongoError], text: str, *, lasts: bool
) -> Callable[[], Exception]:
    return lambda: BrokenError(make(text), lasts=lasts)


_SILENCE: Sequence[Callable[[], Exception]] = (
    _broken(AutoReconnect, "connection closed", lasts=False),
    _broken(NetworkTimeout, "timed out", lasts=True),
    _broken(ServerSelectionTimeoutError, "No replica set members match selector", lasts=True),
    _broken(AutoReconnect, "connection closed, and no other can be opened", lasts=True),
    _broken(WaitQueueTimeoutError, "Timed out while checking out a connection", lasts=True),
)


def _told(code: int, *labels: str) -> Callable[[], Exception]:
    reply: dict[str, Any] = {"ok": 0.0, "errmsg": "told to fail", "code": code}
    if code in NAMES:
        reply["codeName"] = NAMES[code]
    if labels:
        reply["errorLabels"] = list(labels)
    return lambda: ToldError(dict(reply))


def _late(code: int, *labels: str) -> Callable[[], Exception]:
    error: Mapping[str, Any] = {"code": code, "errmsg": "waiting for replication was given up"}
    return lambda: LateError(dict(error), labels)


def _timed_out() -> Exception:
    """Return what is said where the command itself had a time for its write concern."""
    error = {"code": 64, "errmsg": "waiting timed out", "errInfo": {"wtimeout": True}}
    return LateError(error, ())
