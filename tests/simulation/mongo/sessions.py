"""The driver's sessions: what it does about a transaction by itself."""

import asyncio
from collections.abc import Collection
from enum import Enum
from typing import Any, Literal, Protocol, TypeAlias

from pymongo.client_session_shared import (
    _UNKNOWN_COMMIT_ERROR_CODES as UNKNOWN_CODES,  # pyright: ignore[reportPrivateUsage, reportUnknownVariableType]
)
from pymongo.errors import (
    ConnectionFailure,
    InvalidOperation,
    NotPrimaryError,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
    WaitQueueTimeoutError,
    WTimeoutError,
)

from tests.simulation.mongo.refusals import TRANSIENT
from tests.simulation.mongo.transactions import Within
from tests.simulation.mongo.wire import RETRYABLE

UNKNOWN = "UnknownTransactionCommitResult"
_UNKNOWN_CODES: Collection[int] = UNKNOWN_CODES  # pyright: ignore[reportUnknownVariableType]

RECONNECT_S = 0.01
"""Until the driver tries again: it has to open another connection. Without it time would stand still."""

Finish: TypeAlias = Literal["commitTransaction", "abortTransaction"]


class Progress(Enum):
    """How far the driver is with a transaction."""

    NONE = "none"
    STARTING = "starting"
    IN_PROGRESS = "in progress"
    COMMITTED = "committed"
    COMMITTED_EMPTY = "committed, without a command"
    ABORTED = "aborted"


class Sender(Protocol):
    """The client of a session."""

    async def finish(self, command: Finish, within: Within, deadline_s: float) -> None:
        """Ask once to commit or to abort."""
        ...

    def deadline_s(self) -> float:
        """Return when the driver gives up what is started now."""
        ...

    def give_back(self, name: str, number: int) -> None:
        """Let others use a session that its user has ended."""
        ...


class DriverSession:
    """PyMongo's `AsyncClientSession`, by the drivers' specification of transactions."""

    def __init__(self, client: Sender, name: str, number: int) -> None:
        self._client = client
        self._name = name
        self._number = number
        self._progress = Progress.NONE
        self._is_dirty = False
        self._is_over = False

    async def start_transaction(self, *_options: Any) -> None:
        """Start the next transaction: the server hears of it with the first command.

        Raises:
            InvalidOperation: One is under way.
        """
        if self._is_over:
            raise InvalidOperation("Cannot use ended session")
        if self._progress in (Progress.STARTING, Progress.IN_PROGRESS):
            raise InvalidOperation("Transaction already in progress")
        self._number += 1
        self._progress = Progress.STARTING

    def within(self) -> Within:
        """Return what the next command says of its transaction."""
        begins = self._progress is Progress.STARTING
        assert begins or self._progress is Progress.IN_PROGRESS, "only commands of transactions"
        self._progress = Progress.IN_PROGRESS
        return Within(session=self._name, number=self._number, begins=begins)

    def failed(self, error: PyMongoError) -> None:
        """Note that no answer came: nobody is to use this session again."""
        self._is_dirty |= isinstance(error, ConnectionFailure)

    async def commit_transaction(self) -> None:
        """Commit; called again, ask what became of it.

        Raises:
            PyMongoError: As PyMongo raises it.
        """
        if self._progress in (Progress.STARTING, Progress.COMMITTED_EMPTY):
            self._progress = Progress.COMMITTED_EMPTY
            return
        if self._progress not in (Progress.IN_PROGRESS, Progress.COMMITTED):
            raise InvalidOperation("No transaction started")
        self._progress = Progress.IN_PROGRESS
        try:
            await self._finish("commitTransaction")
        except ConnectionFailure as error:
            error._remove_error_label(TRANSIENT)  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
            _add(error, UNKNOWN)
            raise
        except OperationFailure as error:
            if isinstance(error, WTimeoutError) or error.code in _UNKNOWN_CODES:
                _add(error, UNKNOWN)
            raise
        finally:
            self._progress = Progress.COMMITTED

    async def abort_transaction(self) -> None:
        """Undo everything; the server's refusals are ignored.

        Raises:
            PyMongoError: As PyMongo raises it.
        """
        if self._progress is Progress.STARTING:
            self._progress = Progress.ABORTED
            return
        if self._progress is not Progress.IN_PROGRESS:
            raise InvalidOperation(f"Cannot call abortTransaction: {self._progress.value}")
        try:
            await self._finish("abortTransaction")
        except (OperationFailure, ConnectionFailure):
            return
        finally:
            self._progress = Progress.ABORTED

    async def end_session(self) -> None:
        """Give the session back."""
        if self._is_over:
            return
        try:
            if self._progress in (Progress.STARTING, Progress.IN_PROGRESS):
                await self.abort_transaction()
        finally:
            self._is_over = True
            if not self._is_dirty:
                self._client.give_back(self._name, self._number)

    async def _finish(self, command: Finish) -> None:
        """Ask again while the driver may, until its time is over."""
        within = Within(session=self._name, number=self._number, begins=False)
        deadline_s = self._client.deadline_s()
        last: PyMongoError | None = None
        while True:
            try:
                return await self._client.finish(command, within, deadline_s)
            except ServerSelectionTimeoutError:
                if last is not None:
                    raise last from None
                raise
            except PyMongoError as error:
                self.failed(error)
                if isinstance(error, ConnectionFailure) and not isinstance(
                    error, NotPrimaryError | WaitQueueTimeoutError
                ):
                    _add(error, RETRYABLE)
                if not error.has_error_label(RETRYABLE):
                    raise
                last = error
            await asyncio.sleep(RECONNECT_S)
            if asyncio.get_running_loop().time() >= deadline_s:
                raise last


def _add(error: PyMongoError, label: str) -> None:
    error._add_error_label(label)  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
