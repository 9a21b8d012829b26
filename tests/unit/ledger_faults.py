"""The ledger in memory, in whose transactions one thing after another goes wrong."""

from collections.abc import Callable, Collection, Mapping
from enum import StrEnum
from typing import Self

from handlers.changes import Changes
from handlers.corrupt import CorruptDocument
from handlers.outcome import Outcome
from storage.memory import MemoryLedger, MemoryTransaction
from storage.ports import CommitUnknownError, LostRaceError, StoreUnavailableError


class Fault(StrEnum):
    """What happens in the middle of one transaction."""

    NOTHING = "nothing"
    RACE = "another worker decides first"
    LOST = "the race is lost"
    AWAY = "the store is away"
    UNKNOWN_DONE = "committed, but nobody says so"
    UNKNOWN_NOT_DONE = "not committed, and nobody says so"
    ACKNOWLEDGED = "the cycle before is acknowledged meanwhile"
    RETIRED = "the other lane takes a new writer name"
    ABANDONED_EARLY = "the cycle is abandoned while it gathers, and committed nevertheless"
    ABANDONED_BEFORE = "the cycle is abandoned, and committed nevertheless"
    ABANDONED_AFTER = "the cycle is abandoned behind the commit"


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
        if self._fault is Fault.AWAY:
            raise StoreUnavailableError("mongodb does not answer")
        return await super().__aenter__()

    async def outcomes(self, ids: Collection[str]) -> Mapping[str, Outcome | CorruptDocument]:
        self._strike_if(Fault.RETIRED, Fault.ABANDONED_EARLY)
        return await super().outcomes(ids)

    async def apply(self, changes: Changes) -> None:
        self._strike_if(Fault.RACE, Fault.ACKNOWLEDGED)
        await super().apply(changes)

    async def commit(self) -> None:
        if self._fault in (Fault.LOST, Fault.UNKNOWN_NOT_DONE):
            error = LostRaceError if self._fault is Fault.LOST else CommitUnknownError
            raise error("told to fail")
        self._strike_if(Fault.ABANDONED_BEFORE)
        await super().commit()
        self._strike_if(Fault.ABANDONED_AFTER)
        if self._fault is Fault.UNKNOWN_DONE:
            raise CommitUnknownError("told to say nothing")

    def _strike_if(self, *faults: Fault) -> None:
        if self._fault in faults:
            fault, self._fault = self._fault, Fault.NOTHING
            self._strike(fault)
