"""Which schema number the data has, and which processes run beside each other on it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from handlers.model.schema import FIRST, NEWEST, OLDEST

GONE_AFTER = timedelta(seconds=30)
"""A process that was not heard of for so long has ended, or does nothing: three beats, of which one
may be late while MongoDB has an election."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningProcess:
    """What a process says of itself while it runs."""

    id: str
    """Random, of its own."""
    release: str
    host: str
    pid: int
    roles: tuple[str, ...]
    started_at: datetime
    oldest: int = OLDEST
    newest: int = NEWEST
    """The schema numbers that it reads."""
    writes: int = FIRST
    """The one that it writes: it learns of an upgrade within seconds."""
    silent_s: float = 0.0
    """Since it was last heard of, by the store's clock."""

    def __str__(self) -> str:
        """Say which one it is, as whoever has to stop it can find it."""
        roles = ", ".join(self.roles)
        return f"accounts {self.release} on {self.host}, process {self.pid} ({roles})"


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaUpgrade:
    """One change of the data's number: kept for ever, beside it."""

    before: int
    after: int
    at: datetime
    release: str
    """Of the command that did it."""
    actor: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DataState:
    """The data's number, how it came to it, and who runs on it."""

    number: int
    upgrades: Sequence[SchemaUpgrade] = ()
    processes: Sequence[RunningProcess] = ()

    def behind(self, number: int) -> Sequence[RunningProcess]:
        """Return the processes that could not read data of *number*."""
        return [each for each in self.processes if not each.oldest <= number <= each.newest]


class ProcessesBehindError(Exception):
    """The data must not be upgraded: `processes` run that could not read it any more."""

    def __init__(self, processes: Sequence[RunningProcess]) -> None:
        super().__init__("; ".join(map(str, processes)))
        self.processes = processes


class DataSchema(Protocol):
    """Every method may raise `StoreUnavailableError`, and `LostRaceError` where another came first."""

    async def number(self) -> int:
        """Return the data's number, as last committed by a majority.

        Raises:
            CorruptDocumentError: What stands there is none.
        """
        ...

    async def announce(self, process: RunningProcess) -> int:
        """Say that *process* runs from now on, and return the data's number.

        Whoever upgrades at the same moment has seen the process, or the process sees the upgrade.
        """
        ...

    async def beat(self, process: RunningProcess) -> bool:
        """Say that *process* still runs; False where it counts as gone, and must announce itself."""
        ...

    async def leave(self, process: RunningProcess) -> None:
        """Say that *process* has ended."""
        ...

    async def state(self) -> DataState:
        """Return all that is known, in one snapshot; processes that are gone are left out."""
        ...

    async def upgrade(self, upgrade: SchemaUpgrade) -> None:
        """Give the data another number, and keep who did it.

        Raises:
            ProcessesBehindError: Somebody runs who could not read it.
            LostRaceError: The number is not `upgrade.before` any more, or somebody came or went.
            CommitUnknownError: Nobody can say whether it was done: look at the state.
        """
        ...
