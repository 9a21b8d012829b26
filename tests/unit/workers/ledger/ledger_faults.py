"""The ledger in memory, in whose transactions one thing after another goes wrong."""

from collections.abc import Callable, Collection, Mapping, Sequence
from enum import StrEnum
from typing import Self

from handlers.model.account import Account
from handlers.model.changes import Changes
from handlers.model.corrupt import CorruptDocument
from handlers.model.outcome import Outcome
from handlers.model.unpublished import EntryRange
from storage.memory.ledger import MemoryLedger, MemoryTransaction
from storage.ports.errors import CommitUnknownError, LostRaceError, StoreUnavailableError
from tests.simulation.network import UnforeseenError


class Fault(StrEnum):
    """What happens in the middle of one transaction."""

    NOTHING = "nothing"
    RACE = "another worker decides first"
    ACKNOWLEDGED = "the cycle before is acknowledged meanwhile"
    RETIRED = "the other lane takes a new writer name"
    ABANDONED_EARLY = "the cycle is abandoned while it gathers, and committed nevertheless"
    ABANDONED_BEFORE = "the cycle is abandoned, and committed nevertheless"
    ABANDONED_AFTER = "the cycle is abandoned behind the commit"
    AWAY = "the store is away"
    LOST = "the commit loses the race"
    UNKNOWN_DONE = "committed, but nobody says so"
    UNKNOWN_NOT_DONE = "not committed, and nobody says so"
    REFUSED_DONE = "committed, and answered by an error that says nothing"
    REFUSED_NOT_DONE = "not committed, and answered by an error that says nothing"
    UNFORESEEN_DONE = "committed, and then something fails that nobody foresaw"
    UNFORESEEN_NOT_DONE = "not committed, because something fails that nobody foresaw"
    LOST_ACCOUNTS = "reading the accounts loses the race"
    LOST_OUTCOMES = "reading the outcomes loses the race"
    LOST_ENTRIES = "reading the entries loses the race"
    LOST_APPLY = "writing loses the race"
    AWAY_ACCOUNTS = "the store is away as accounts are read"
    AWAY_OUTCOMES = "the store is away as outcomes are read"
    AWAY_ENTRIES = "the store is away as entries are read"
    AWAY_APPLY = "the store is away as changes are written"
    UNFORESEEN_ACCOUNTS = "reading the accounts fails as nobody foresaw"
    UNFORESEEN_OUTCOMES = "reading the outcomes fails as nobody foresaw"
    UNFORESEEN_ENTRIES = "reading the entries fails as nobody foresaw"
    UNFORESEEN_APPLY = "writing fails as nobody foresaw"


ANSWERS: Mapping[Fault, tuple[str, type[Exception]]] = {
    Fault.AWAY: ("begin", StoreUnavailableError),
    Fault.LOST: ("commit", LostRaceError),
    Fault.UNKNOWN_NOT_DONE: ("commit", CommitUnknownError),
    Fault.REFUSED_NOT_DONE: ("commit", StoreUnavailableError),
    Fault.UNFORESEEN_NOT_DONE: ("commit", UnforeseenError),
    Fault.UNKNOWN_DONE: ("committed", CommitUnknownError),
    Fault.REFUSED_DONE: ("committed", StoreUnavailableError),
    Fault.UNFORESEEN_DONE: ("committed", UnforeseenError),
    **{
        Fault[f"{name}_{operation.upper()}"]: (operation, error)
        for name, error in (
            ("LOST", LostRaceError),
            ("AWAY", StoreUnavailableError),
            ("UNFORESEEN", UnforeseenError),
        )
        for operation in ("accounts", "outcomes", "entries", "apply")
    },
}
"""Every answer that an operation of the port can get: nothing was done but by what is `committed`."""


class FaultyLedger(MemoryLedger):
    """The ledger in memory, with one fault planned for each of the next transactions."""

    def __init__(self) -> None:
        super().__init__()
        self.strike: Callable[[Fault], None] = lambda _: None
        """Lets the fault happen that concerns the worker whose transaction it is."""
        self.planned: list[Fault] = []

    def transaction(self) -> "FaultyTransaction":
        """Open a snapshot, and take the next fault."""
        fault = self.planned.pop(0) if self.planned else Fault.NOTHING
        return FaultyTransaction(self, fault, self.strike)


class FaultyTransaction(MemoryTransaction):
    """One transaction in which one thing goes wrong."""

    def __init__(self, ledger: FaultyLedger, fault: Fault, strike: Callable[[Fault], None]) -> None:
        super().__init__(ledger)
        self._fault = fault
        self._strike = strike

    async def __aenter__(self) -> Self:
        self._answer_at("begin")
        return await super().__aenter__()

    async def accounts(self, usernames: Collection[str]) -> Mapping[str, Account | CorruptDocument]:
        self._answer_at("accounts")
        return await super().accounts(usernames)

    async def outcomes(self, ids: Collection[str]) -> Mapping[str, Outcome | CorruptDocument]:
        self._strike_if(Fault.RETIRED, Fault.ABANDONED_EARLY)
        self._answer_at("outcomes")
        return await super().outcomes(ids)

    async def entries(self, ranges: Collection[EntryRange]) -> Sequence[Outcome | CorruptDocument]:
        self._answer_at("entries")
        return await super().entries(ranges)

    async def apply(self, changes: Changes) -> None:
        self._strike_if(Fault.RACE, Fault.ACKNOWLEDGED)
        self._answer_at("apply")
        await super().apply(changes)

    async def commit(self) -> None:
        self._answer_at("commit")
        self._strike_if(Fault.ABANDONED_BEFORE)
        await super().commit()
        self._strike_if(Fault.ABANDONED_AFTER)
        self._answer_at("committed")

    def _answer_at(self, operation: str) -> None:
        where, error = ANSWERS.get(self._fault, ("", AssertionError))
        if where == operation:
            self._fault = Fault.NOTHING
            raise error("told to fail")

    def _strike_if(self, *faults: Fault) -> None:
        if self._fault in faults:
            fault, self._fault = self._fault, Fault.NOTHING
            self._strike(fault)
