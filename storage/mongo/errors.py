"""What MongoDB's errors mean for a worker."""

from collections.abc import Mapping
from typing import Any

from pymongo.errors import ConnectionFailure, OperationFailure, PyMongoError, WriteConcernError

from storage.ports.errors import LostRaceError, NotMeasuredError, StoreUnavailableError

DUPLICATE_KEY = 11000
NAMESPACE_EXISTS = 48
WRITE_CONFLICT = 112
NO_SUCH_TRANSACTION = 251
MAX_TIME_EXPIRED = 50
SNAPSHOT_GONE = {239, 246}
"""SnapshotTooOld and SnapshotUnavailable: the server keeps a moment for some minutes only."""

UNAUTHORIZED = {13, 18, 8000}
"""Not authorised, authentication failed, and what hosted clusters answer for either."""

_LOST_RACES = {DUPLICATE_KEY, NAMESPACE_EXISTS, WRITE_CONFLICT, NO_SUCH_TRANSACTION}
_TRANSIENT = "TransientTransactionError"


class NotAllowedError(StoreUnavailableError):
    """This user may not do that."""


class ServerRefusedError(StoreUnavailableError):
    """The server answers, and does not do this: for a reason of its own, or because of a document.

    It has hundreds of codes for what an expression cannot be applied to, most of them without a
    name, and more with each release. Whoever has the server change a document by what stands there
    reads it then: it is corrupt, or the server is what has to be waited for.
    """


def nothing_was_committed(error: PyMongoError) -> bool:
    """Say whether the server's answer to a commit means for certain that nothing was committed.

    Every other answer leaves it open, with whatever label or none: a write concern that could not
    be awaited, such as Interrupted, is answered to a transaction that *is* committed. The driver
    knows a few such codes only.
    """
    return (
        isinstance(error, OperationFailure)
        and error.has_error_label(_TRANSIENT)
        and not (error.details or {}).get("writeConcernError")
        and not isinstance(error, WriteConcernError)
    )


def translated(error: PyMongoError) -> Exception:
    """Return what a worker does about *error*, without repeating what was sent."""
    if isinstance(error, ConnectionFailure):
        return StoreUnavailableError(
            f"MongoDB does not answer ({type(error).__name__}): check that the replica set has a "
            "primary, and the address, TLS files and credentials in the configuration"
        )
    if isinstance(error, OperationFailure):
        return _refused(
            error.code, error.details or {}, transient=error.has_error_label(_TRANSIENT)
        )
    if error.timeout:
        return _too_slow()
    return StoreUnavailableError(
        f"MongoDB cannot be used ({type(error).__name__}): check its address and configuration"
    )


def check(reply: Mapping[str, Any], *, ignored: int | None = None) -> None:
    """Check that every write in *reply* was done (or failed as *ignored*), and durably.

    Raises:
        LostRaceError: A document with that key is there already.
        StoreUnavailableError: Refused for any other reason.
    """
    for failed in reply.get("writeErrors", ()):
        if failed["code"] != ignored:
            raise _refused(failed["code"], failed, transient=False)
    if late := reply.get("writeConcernError"):
        raise StoreUnavailableError(
            f"MongoDB did not reach a majority ({_name(late['code'], late)}): "
            "check that most members of the replica set are up"
        )


def _refused(code: int | None, details: Mapping[str, Any], *, transient: bool) -> Exception:
    name = _name(code, details)
    if code in _LOST_RACES or transient:
        return LostRaceError(f"somebody else got there first ({name})")
    if code == MAX_TIME_EXPIRED:
        return _too_slow()
    if code in SNAPSHOT_GONE:
        return NotMeasuredError(
            f"MongoDB does not keep the moment that was read any more ({name}): raise "
            "minSnapshotHistoryWindowInSeconds, or try again when it is less busy"
        )
    if code in UNAUTHORIZED:
        return NotAllowedError(
            f"MongoDB refuses this user ({name}): check the credentials and its role"
        )
    return ServerRefusedError(f"MongoDB refuses an operation ({name}): see the server's log")


def _too_slow() -> StoreUnavailableError:
    return StoreUnavailableError(
        "MongoDB did not finish in time: check its load and disk, or allow more time"
    )


def _name(code: int | None, details: Mapping[str, Any]) -> str:
    return f"code {code} {details.get('codeName', '')}".rstrip()
