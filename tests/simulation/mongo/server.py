"""One MongoDB server in memory: a replica set of one member, as its clients see it."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from storage.mongo.documents.accounts import Document
from tests.simulation.mongo import administration, reading, writing
from tests.simulation.mongo.collections import NOW, View
from tests.simulation.mongo.cursors import Cursors
from tests.simulation.mongo.databases import Databases, date_of, moment_of
from tests.simulation.mongo.refusals import ConflictError, NotHereError, ServerError
from tests.simulation.mongo.request import Request
from tests.simulation.mongo.transactions import (
    ServerSessions,
    Transaction,
    TransactionState,
    Within,
    ended,
)
from tests.simulation.mongo.wire import FINISHING, RETRYABLE

LIFETIME_S = 10.0
"""As the dev stack sets `transactionLifetimeLimitSeconds`."""

HISTORY_S = 300.0
"""How long a moment can be read, as `minSnapshotHistoryWindowInSeconds` has it."""

Written: TypeAlias = tuple[int, Document | None]
"""A version, with its moment; None is a deletion."""

Handler: TypeAlias = Callable[[Request], Document]

_COMMANDS: Mapping[str, Handler] = {
    **reading.COMMANDS,
    **writing.COMMANDS,
    **administration.COMMANDS,
}


class MongoServer:
    """Each command is one moment; one that waits for an open transaction is tried again later."""

    def __init__(self, now_s: Callable[[], float], *, lifetime_s: float = LIFETIME_S) -> None:
        self._now_s = now_s
        self.databases = Databases()
        self.sessions = ServerSessions(now_s, lifetime_s)
        self.cursors = Cursors()
        self.clients = 0
        """How many have connected."""
        self.asked: Counter[str] = Counter()
        """How many commands it was asked, by name."""
        self.commits: dict[int, tuple[str, float]] = {}
        """Of each transaction, by its moment: whose session it was of, and when."""
        self.term = 1
        """Of its primary: whoever asked an earlier one, and has no answer yet, gets none."""
        self.after_commit: Callable[[int], None] | None = None
        """What happens at each commit before it is answered, told how much was written."""
        self._primary_from_s = 0.0
        """Until then nobody is primary."""
        self.processes: dict[str, str] = {}
        """Who connected, by the name of the connection that a session's begins with."""
        self._read_at: dict[int, float] = {}
        """Moments that snapshots were taken of, and when."""

    def take(
        self, database: str, command: Document, within: Within | None
    ) -> Callable[[], Document | None]:
        """Return what tries the command, and is called again where it returns None: it has to wait.

        Trying raises NotHereError of what nobody needed yet. Refusals are replies.
        """
        request: Request | None = None

        def attempt() -> Document | None:
            nonlocal request
            try:
                if self._now_s() < self._primary_from_s:
                    return _not_primary(next(iter(command)), within)
                if within is not None:
                    return self._within(database, command, within)
                if request is None:
                    self.asked[next(iter(command))] += 1
                    request = self._request(database, command, self._view(command))
                return _handler(command)(request)
            except ConflictError:
                return None
            except ServerError as error:
                return error.reply()

        return attempt

    def copy(self) -> Databases:
        """Return all that is committed now, such as a backup has it."""
        return self.databases.copy()

    def restore(self, copy: Databases) -> None:
        """Go on with an older copy: whatever was open is gone."""
        self.step_down()
        moment = self.databases.moment
        self.databases = copy.copy()
        self.databases.moment = max(moment, copy.moment)

    def step_down(self) -> None:
        """Undo every open transaction and forget every cursor, as a crash or an election does."""
        self.sessions.abort_all()
        self.cursors = Cursors()

    def elect(self, primary_from_s: float, *, forgets: bool) -> None:
        """Have another primary: from that time on, without anything that no majority had.

        *forgets*: nor does it know what sessions have committed.
        """
        self.step_down()
        self.term += 1
        self._primary_from_s = primary_from_s
        if forgets:
            self.sessions.forget()

    def everything(self, database: str) -> Mapping[str, list[Document]]:
        """Return copies of all committed documents, by collection, in the order they were inserted in."""
        return {
            name: [version.copied() for version in collection.everything()]
            for name, collection in self.databases.of(database).items()
        }

    def written(self, database: str) -> Mapping[str, Mapping[Any, Sequence[Written]]]:
        """Return all versions of all documents ever committed, by collection and id; nobody changes them."""
        return {
            name: {
                record.id: record.versions() for record in collection.records() if record.committed
            }
            for name, collection in self.databases.of(database).items()
        }

    def _request(self, database: str, command: Document, view: View) -> Request:
        return Request(
            databases=self.databases,
            sessions=self.sessions,
            cursors=self.cursors,
            database=database,
            command=command,
            view=view,
            variables={"NOW": date_of(self._now_s())},
        )

    def _view(self, command: Document) -> View:
        concern = command.get("readConcern")
        if concern is None or concern.get("level") != "snapshot":
            return NOW
        moment = self.databases.moment
        if "atClusterTime" in concern:
            moment = moment_of(concern["atClusterTime"])
            if self._now_s() - self._read_at.get(moment, self._now_s()) > HISTORY_S:
                raise ServerError(
                    239, "Read timestamp is older than the oldest available timestamp."
                )
        self._read_at.setdefault(moment, self._now_s())
        return View(None, moment)

    def _within(self, database: str, command: Document, within: Within) -> Document:
        name = next(iter(command))
        self.asked[name] += 1
        if name in ("commitTransaction", "abortTransaction"):
            return self._finish(name, within)
        transaction = self.sessions.entered(within)
        if transaction.snapshot is None:
            transaction.snapshot = self.databases.moment
        request = self._request(database, command, View(transaction, transaction.snapshot))
        try:
            reply = _handler(command)(request)
        except ServerError as error:
            transaction.abort()
            error.is_transient = isinstance(error, ConflictError)
            return error.reply()
        if "writeErrors" in reply:
            transaction.abort()
        return reply

    def _finish(self, name: str, within: Within) -> Document:
        transaction = self.sessions.finished(within)
        wanted = (
            TransactionState.COMMITTED if name == "commitTransaction" else TransactionState.ABORTED
        )
        if transaction.state is TransactionState.OPEN:
            self._end(transaction, wanted, within.session)
        elif transaction.state is not wanted or wanted is TransactionState.ABORTED:
            raise ended(transaction)
        return {"ok": 1.0}

    def _end(self, transaction: Transaction, state: TransactionState, session: str) -> None:
        if state is TransactionState.COMMITTED:
            written = len(transaction.claimed)
            moment = self.databases.tick()
            self.commits[moment] = session, self._now_s()
            transaction.commit(moment)
            if self.after_commit is not None:
                self.after_commit(written)
        else:
            transaction.abort()


def _not_primary(name: str, within: Within | None) -> Document:
    error = ServerError(10107, "not primary")
    if name in FINISHING:
        error.more["errorLabels"] = [RETRYABLE]
    error.is_transient = within is not None and name not in FINISHING
    return error.reply()


def _handler(command: Document) -> Handler:
    name = next(iter(command))
    if name not in _COMMANDS:
        raise NotHereError(f"the command {name}")
    return _COMMANDS[name]
