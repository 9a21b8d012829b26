"""One lane of a cycle: gather, decide, apply, in one transaction, as often as it takes."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from contracts.codes import Code
from handlers.ledger.batch import PerCommand, decide_lane
from handlers.ledger.finality import ReadPositions
from handlers.ledger.lane_decision import Gathered, LaneDecision
from handlers.ledger.recording import WriterMark
from handlers.model.account import Account
from handlers.model.input_records import CommandRecord
from handlers.model.outcome import Source
from storage.ports import STORE
from storage.ports.errors import CommitUnknownError, LostRaceError, StoreUnavailableError
from storage.ports.ledger import Ledger, LedgerTransaction
from workers.batches.writer_generation import WriterGeneration
from workers.clock import utc_now
from workers.ledger.gathering import Gathering, Owed
from workers.ledger.published_sequences import CycleSequences
from workers.monitoring.corrupt import CorruptDocuments
from workers.monitoring.metrics import Metrics

logger = logging.getLogger(__name__)

RACES_MAX = 3
"""Lost races in a row before a lane goes on one command at a time, so that one contended account
does not keep all the others of its lane from committing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What one committed transaction means for publishing."""

    decision: LaneDecision
    accounts: Mapping[str, Account]
    """As gathered, or as written."""
    owed: Sequence[Owed]
    shared: Sequence[str]
    """Users whose account another writer had marked."""


@dataclass(slots=True, kw_only=True)
class LaneDependencies:
    """What a lane needs from its engine."""

    ledger: Ledger
    per_command: PerCommand
    corrupt: CorruptDocuments
    metrics: Metrics
    generation: WriterGeneration
    signed_off: Callable[[Collection[str]], Awaitable[Collection[str]]]
    """Return those of some writers that have published all they wrote."""
    acknowledged: Mapping[str, int]
    """Username → sequence up to which this worker saw all events acknowledged, where others write
    the account, too."""
    reading: Callable[[], ReadPositions]
    fetch_end_offsets: Callable[[Collection[int]], Awaitable[None]]
    """Ask how far the topics reach in these partition numbers; what does not come in time waits."""
    asked: asyncio.Future[None]
    """Done when what was asked for ahead has come; nothing most of the time."""
    pause: Callable[[str | None, int], Awaitable[None]]
    """Wait before try *n*, staying in the group; names the dependency that is away.

    Raises:
        AbandonedError: The cycle was given up.
    """
    clock: Callable[[], datetime] = utc_now
    """What it is decided by whether a command has expired, and what is written as its time."""


@dataclass(slots=True)
class Lane:
    """Some of a cycle's users, their commands, and accounts only to be published again."""

    dependencies: LaneDependencies
    ahead: CycleSequences = field(default_factory=CycleSequences)
    """Of the cycle before, as long as not all of it is acknowledged."""
    number: int = 0
    """Among the lanes of its cycle."""
    users: dict[str, list[CommandRecord]] = field(default_factory=dict[str, list[CommandRecord]])
    again: list[str] = field(default_factory=list[str])
    """Accounts that are only to be published once more."""
    applied: list[Applied] = field(default_factory=list[Applied])
    sequences: CycleSequences = field(default_factory=CycleSequences)
    """Of this lane."""
    parked: list[CommandRecord] = field(default_factory=list[CommandRecord])
    """Commands that have to wait."""
    early: dict[Source, Code] = field(default_factory=dict[Source, Code])
    """What some of them would be refused with now; the others wait behind one of these."""
    shared: list[str] = field(default_factory=list[str])
    """Users whose account another writer had marked."""
    provisional: bool = False
    """Some refusal could have been lifted by other commands."""
    _generation_number: int = field(init=False)
    """Of the one that the cycle began in."""

    def __post_init__(self) -> None:
        """Belong to the present generation."""
        self._generation_number = self.dependencies.generation.number

    async def run(self) -> None:
        """Apply everything; what has to wait is in `parked`.

        Raises:
            AbandonedError: The cycle was given up.
        """
        pending = list(self.users.values())
        again = [name for name in self.again if name not in self.users]
        races = 0
        while races < RACES_MAX:
            applied = await self._try(pending, again, commands_max=None)
            if applied is not None:
                return
            races += 1
        await self._one_by_one(pending)
        if again:
            await self._insist((), again, commands_max=None)

    def forget(self) -> None:
        """Let go of what was applied, once it is rendered: it is most of a cycle's memory."""
        self.applied.clear()
        self.users.clear()

    async def _one_by_one(self, pending: Sequence[list[CommandRecord]]) -> None:
        """Decide each command by itself, so that a contended account keeps up only its own."""
        for user in pending:
            commands = user
            while commands:
                applied = await self._insist([commands], (), commands_max=1)
                commands = list(applied.decision.undecided)

    async def _insist(
        self, users: Sequence[list[CommandRecord]], again: Sequence[str], commands_max: int | None
    ) -> Applied:
        """Try until it is applied, however many races are lost."""
        tries = 0
        while True:
            applied = await self._try(users, again, commands_max)
            if applied is not None:
                return applied
            tries += 1
            await self.dependencies.pause(None, tries)

    async def _try(
        self, users: Sequence[list[CommandRecord]], again: Sequence[str], commands_max: int | None
    ) -> Applied | None:
        """Return what was applied, or None for a lost race; waits out everything else."""
        tries = 0
        while True:
            tries += 1
            try:
                applied = await self._attempt(users, again, commands_max)
            except LostRaceError:
                self.dependencies.metrics.lost_races_total.inc()
                await self.dependencies.pause(None, 0)
                return None
            except CommitUnknownError as error:
                logger.warning("the ledger decides again: %s", error)
                self.dependencies.generation.retire_writer()
                await self.dependencies.pause(None, tries)
            except StoreUnavailableError as error:
                logger.warning("the ledger waits: %s", error)
                await self.dependencies.pause(STORE, tries)
            else:
                self._keep(applied)
                return applied

    async def _attempt(
        self,
        users: Sequence[Sequence[CommandRecord]],
        again: Sequence[str],
        commands_max: int | None,
    ) -> Applied:
        # What is written after the end of a generation must not bear the name of the next: nobody
        # would publish it.
        generation, timed = self.dependencies.generation, self.dependencies.metrics.timed
        generation.check(self._generation_number)
        writer = generation.writer
        async with self.dependencies.ledger.transaction() as transaction:
            with timed(STORE, "gather"):
                commands = [received for user in users for received in user]
                gathered, owed = await self._gathering(writer, alone=commands_max == 1).read(
                    transaction, commands, again
                )
            await self.dependencies.asked
            decision = self._decide(users, gathered, writer, commands_max)
            if decision.questions:
                await self.dependencies.fetch_end_offsets(decision.questions)
                decision = self._decide(users, gathered, writer, commands_max)
            if decision.changes:
                with timed(STORE, "apply"):
                    await transaction.apply(decision.changes)
            generation.check(self._generation_number)  # what is given up need not be owed, too
            with timed(STORE, "commit"):
                await _commit(transaction)
        written = {account.username: account for account in decision.changes.accounts}
        again_only = set(again)
        shared = [
            name
            for name, account in gathered.accounts.items()
            if account.writer != writer and name not in again_only
        ]
        return Applied(
            decision=decision,
            accounts={**gathered.accounts, **written},
            owed=owed,
            shared=shared,
        )

    def _gathering(self, writer: str, *, alone: bool) -> Gathering:
        return Gathering(
            writer=writer,
            signed_off=self.dependencies.signed_off,
            said=self._said,
            corrupt=self.dependencies.corrupt,
            alone=alone,
        )

    def _said(self, username: str) -> int:
        """Return up to where this worker has published a user's events, or will before this.

        A cycle is published whole and in its turn, or abandoned with all that follow it.
        """
        return max(
            self.dependencies.acknowledged.get(username, 0),
            self.ahead.highest.get(username, 0),
            self.sequences.highest.get(username, 0),
        )

    def _decide(
        self,
        users: Sequence[Sequence[CommandRecord]],
        gathered: Gathered,
        writer: str,
        commands_max: int | None,
    ) -> LaneDecision:
        unacknowledged = self.ahead.lowest
        if self.sequences.lowest:
            unacknowledged = {**self.sequences.lowest, **unacknowledged}
        return decide_lane(
            users,
            gathered,
            self.dependencies.reading(),
            WriterMark(
                writer=writer,
                unacknowledged=unacknowledged,
                acknowledged=self.dependencies.acknowledged,
                lane=self.number,
            ),
            per_command=self.dependencies.per_command,
            now=self.dependencies.clock(),
            commands_max=commands_max,
        )

    def _keep(self, applied: Applied) -> None:
        self.applied.append(applied)
        self.parked += applied.decision.parked
        self.early |= applied.decision.early
        self.shared += applied.shared
        self.provisional |= applied.decision.provisional
        owed = (each.outcome for each in applied.owed)
        for outcome in (*owed, *applied.decision.changes.outcomes):
            self.sequences.add(outcome)


async def _commit(transaction: LedgerTransaction) -> None:
    """Commit; only a lost race means for certain that nothing was committed.

    Raises:
        LostRaceError: Nothing was committed.
        CommitUnknownError: It may have been, whatever else the answer was.
    """
    try:
        await transaction.commit()
    except StoreUnavailableError as error:
        raise CommitUnknownError(str(error)) from error
