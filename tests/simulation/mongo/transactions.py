"""The server's side of sessions and their transactions."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from tests.simulation.mongo.refusals import ServerError, over


class TransactionState(Enum):
    OPEN = "open"
    COMMITTED = "committed"
    ABORTED = "aborted"


class Claimed(Protocol):
    """Whatever a transaction has written."""

    def settle(self, moment: int | None) -> None:
        """Make it visible as of *moment*, or undo it."""
        ...


@dataclass(slots=True, eq=False)
class Transaction:
    """One transaction of one session."""

    number: int
    expires_at_s: float
    now_s: Callable[[], float]
    state: TransactionState = TransactionState.OPEN
    snapshot: int | None = None
    """The moment that it reads, from its first command on."""
    claimed: list[Claimed] = field(default_factory=list[Claimed])

    def is_open(self) -> bool:
        """Say whether it still is: whoever asks after its time is over ends it."""
        if self.state is TransactionState.OPEN and self.now_s() >= self.expires_at_s:
            self.abort()
        return self.state is TransactionState.OPEN

    def commit(self, moment: int) -> None:
        """Make all it wrote visible as of *moment*."""
        self.state = TransactionState.COMMITTED
        self._settle(moment)

    def abort(self) -> None:
        """Undo all it wrote."""
        self.state = TransactionState.ABORTED
        self._settle(None)

    def _settle(self, moment: int | None) -> None:
        claimed, self.claimed = self.claimed, []
        for each in claimed:
            each.settle(moment)


@dataclass(frozen=True, slots=True, kw_only=True)
class Within:
    """What a command says of the transaction that it belongs to."""

    session: str
    number: int
    begins: bool


class ServerSessions:
    """Each session has one transaction at a time: a later one ends the one before."""

    def __init__(self, now_s: Callable[[], float], lifetime_s: float) -> None:
        self._now_s = now_s
        self.lifetime_s = lifetime_s
        """Longest that a transaction may be open: `transactionLifetimeLimitSeconds`."""
        self._last: dict[str, Transaction] = {}

    def entered(self, within: Within) -> Transaction:
        """Return the open transaction that a command belongs to; its first one begins it.

        Raises:
            ServerError: It is over, or never began.
        """
        last = self._last.get(within.session)
        self._not_older(last, within)
        if within.begins:
            if last is not None and last.number == within.number:
                raise self._begun_twice(last)
            if last is not None and last.is_open():
                last.abort()
            expires_at_s = self._now_s() + self.lifetime_s
            begun = Transaction(within.number, expires_at_s, self._now_s)
            self._last[within.session] = begun
            return begun
        if last is None or last.number != within.number:
            raise _unknown(within.number)
        if not last.is_open():
            raise ended(last)
        return last

    def finished(self, within: Within) -> Transaction:
        """Return the transaction to commit or abort, whatever has become of it.

        Raises:
            ServerError: Nobody knows it.
        """
        last = self._last.get(within.session)
        self._not_older(last, within)
        if last is None or last.number != within.number:
            raise _unknown(within.number)
        last.is_open()
        return last

    def abort_all(self) -> None:
        """Undo every open transaction, as a step-down, a crash or `killAllSessions` does."""
        for transaction in self._last.values():
            if transaction.is_open():
                transaction.abort()

    def forget(self) -> None:
        """Know none of them any more, whatever has become of it."""
        self._last.clear()

    def open_now(self) -> int:
        """Return how many transactions are open."""
        return sum(transaction.is_open() for transaction in self._last.values())

    def _not_older(self, last: Transaction | None, within: Within) -> None:
        if last is not None and last.number > within.number:
            raise ServerError(
                225,
                f"Cannot start transaction with {{ txnNumber: {within.number} }} on session because "
                f"a newer transaction with txnNumberAndRetryCounter {{ txnNumber: {last.number} }} "
                "has already started on this session.",
            )

    def _begun_twice(self, last: Transaction) -> ServerError:
        if last.is_open():
            return ServerError(
                117, f"Cannot start a transaction at given transaction number {last.number}"
            )
        return ended(last)


def _unknown(number: int) -> ServerError:
    error = over(number)
    error.args = (
        f"Given transaction number {number} does not match any in-progress transactions.",
    )
    return error


def ended(last: Transaction) -> ServerError:
    if last.state is TransactionState.COMMITTED:
        return ServerError(
            256, f"Transaction with {{ txnNumber: {last.number} }} has been committed."
        )
    return over(last.number)
