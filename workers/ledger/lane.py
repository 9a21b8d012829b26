"""One lane of a cycle: gather, decide, apply, in one transaction, as often as it takes."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from contracts.profile import UpdateProfile, email_claim
from contracts.registration import Register
from handlers.account import Account
from handlers.batch import Conclude, Gathered, LaneDecision, Stamp, decide_lane
from handlers.outcome import Outcome
from handlers.owing import owed_range, taken_over
from handlers.reading import Reading
from handlers.received import Received
from storage.ports import (
    CommitUnknownError,
    Ledger,
    LedgerTransaction,
    LostRaceError,
    StoreUnavailableError,
)
from workers.clock import utc_now
from workers.ledger.tenure import Tenure
from workers.metrics import Metrics

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
    owed: Sequence[Outcome]
    """Entries of other writers that may not have been published."""
    met: Sequence[str]
    """Users whose account another writer had marked."""


@dataclass(slots=True, kw_only=True)
class Surroundings:
    """What a lane needs from its engine."""

    ledger: Ledger
    conclude: Conclude
    metrics: Metrics
    tenure: Tenure
    signed_off: Callable[[Collection[str]], Awaitable[Collection[str]]]
    """Return those of some writers that have published all they wrote."""
    reading: Callable[[], Reading]
    ask_ends: Callable[[Collection[int]], Awaitable[None]]
    """Ask how far the topics reach in these partition numbers; what does not come in time waits."""
    asked: asyncio.Future[None]
    """Done when what was asked for ahead has come; nothing most of the time."""
    pause: Callable[[str | None, int], Awaitable[None]]
    """Wait before try *n*, staying in the group; names the dependency that is away.

    Raises:
        AbandonedError: The cycle was given up.
    """


@dataclass(slots=True)
class Lane:
    """Some of a cycle's users, their commands, and accounts only to be published again."""

    around: Surroundings
    unacknowledged: Mapping[str, int]
    """Of earlier cycles: username → lowest sequence not acknowledged."""
    users: dict[str, list[Received]] = field(default_factory=dict[str, list[Received]])
    again: list[str] = field(default_factory=list[str])
    """Accounts that are only to be published once more."""
    applied: list[Applied] = field(default_factory=list[Applied])
    lowest: dict[str, int] = field(default_factory=dict[str, int])
    """Of this lane: username → lowest sequence it has to publish."""
    parked: list[Received] = field(default_factory=list[Received])
    """Commands that have to wait."""
    met: list[str] = field(default_factory=list[str])
    """Users whose account another writer had marked."""
    doubted: bool = False
    """Some refusal could have been lifted by other commands."""
    _number: int = field(init=False)
    """Of the tenure that the cycle began in."""

    def __post_init__(self) -> None:
        """Belong to the present tenure."""
        self._number = self.around.tenure.number

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

    async def _one_by_one(self, pending: Sequence[list[Received]]) -> None:
        """Decide each command by itself, so that a contended account keeps up only its own."""
        for user in pending:
            commands = user
            while commands:
                applied = await self._insist([commands], (), commands_max=1)
                commands = list(applied.decision.undecided)

    async def _insist(
        self, users: Sequence[list[Received]], again: Sequence[str], commands_max: int | None
    ) -> Applied:
        """Try until it is applied, however many races are lost."""
        tries = 0
        while True:
            applied = await self._try(users, again, commands_max)
            if applied is not None:
                return applied
            tries += 1
            await self.around.pause(None, tries)

    async def _try(
        self, users: Sequence[list[Received]], again: Sequence[str], commands_max: int | None
    ) -> Applied | None:
        """Return what was applied, or None for a lost race; waits out everything else."""
        tries = 0
        while True:
            tries += 1
            try:
                applied = await self._attempt(users, again, commands_max)
            except LostRaceError:
                self.around.metrics.lost_races_total.inc()
                await self.around.pause(None, 0)
                return None
            except CommitUnknownError:
                self.around.tenure.retire_writer()
                await self.around.pause(None, tries)
            except StoreUnavailableError as error:
                logger.warning("the ledger waits: %s", error)
                await self.around.pause("mongodb", tries)
            else:
                self._keep(applied)
                return applied

    async def _attempt(
        self, users: Sequence[Sequence[Received]], again: Sequence[str], commands_max: int | None
    ) -> Applied:
        # What is written after the end of a tenure must not bear the name of the next: nobody would
        # publish it.
        self.around.tenure.check(self._number)
        writer, timed = self.around.tenure.writer, self.around.metrics.timed
        async with self.around.ledger.transaction() as transaction:
            with timed("mongodb", "gather"):
                gathered, owed = await self._gather(transaction, users, again, writer)
            await self.around.asked
            decision = self._decide(users, gathered, writer, commands_max)
            if decision.questions:
                await self.around.ask_ends(decision.questions)
                decision = self._decide(users, gathered, writer, commands_max)
            if decision.changes:
                with timed("mongodb", "apply"):
                    await transaction.apply(decision.changes)
            with timed("mongodb", "commit"):
                await transaction.commit()
        written = {account.username: account for account in decision.changes.accounts}
        named = {received.command.username for user in users for received in user}
        met = [
            name
            for name in named
            if name in gathered.accounts and gathered.accounts[name].writer != writer
        ]
        return Applied(
            decision=decision, accounts={**gathered.accounts, **written}, owed=owed, met=met
        )

    async def _gather(
        self,
        transaction: LedgerTransaction,
        users: Sequence[Sequence[Received]],
        again: Sequence[str],
        writer: str,
    ) -> tuple[Gathered, Sequence[Outcome]]:
        commands = [received for user in users for received in user]
        names = {received.command.username for received in commands}
        accounts = await transaction.accounts([*names, *again])
        if strangers := {account.writer for account in accounts.values()} - {writer}:
            done = await self.around.signed_off(strangers)
            accounts = taken_over(accounts, done, writer) if done else accounts
        outcomes: Mapping[str, Outcome] = {}
        if commands:
            outcomes = await transaction.outcomes([received.id for received in commands])
        owners: Mapping[str, str] = {}
        if claims := _claims(commands, accounts):
            owners = await transaction.email_owners(claims)
        owed: Sequence[Outcome] = ()
        if ranges := [owing for a in accounts.values() if (owing := owed_range(a, writer))]:
            owed = await transaction.entries(ranges)
            if len(owed) != sum(each.up_to - each.after for each in ranges):
                self.around.metrics.invariant_violations_total.inc()
                logger.error("entries are missing that an account owes its subscribers")
        gathered = Gathered(accounts=accounts, outcomes=outcomes, email_owners=owners)
        return gathered, owed

    def _decide(
        self,
        users: Sequence[Sequence[Received]],
        gathered: Gathered,
        writer: str,
        commands_max: int | None,
    ) -> LaneDecision:
        unacknowledged = self.unacknowledged
        if self.lowest:
            unacknowledged = {**self.lowest, **unacknowledged}
        return decide_lane(
            users,
            gathered,
            self.around.reading(),
            Stamp(writer=writer, unacknowledged=unacknowledged),
            conclude=self.around.conclude,
            now=utc_now(),
            commands_max=commands_max,
        )

    def _keep(self, applied: Applied) -> None:
        self.applied.append(applied)
        self.parked += applied.decision.parked
        self.met += applied.met
        self.doubted |= applied.decision.doubted
        for outcome in (*applied.owed, *applied.decision.changes.outcomes):
            if outcome.entry is not None:
                self.lowest.setdefault(outcome.username, outcome.entry.sequence)


def _claims(commands: Sequence[Received], accounts: Mapping[str, Account]) -> set[str]:
    """Return the addresses whose owners decide these commands, given-up ones included."""
    claims: set[str] = set()
    for received in commands:
        command = received.command
        if isinstance(command, Register):
            claims.add(email_claim(command.email))
        elif isinstance(command, UpdateProfile) and "email" in command.model_fields_set:
            claims.add(email_claim(command.email))
            if account := accounts.get(command.username):
                claims.add(email_claim(account.profile.email))
    return claims
