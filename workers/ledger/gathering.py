"""Reads all that one lane's commands are decided on, in one snapshot."""

from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from contracts.profile import UpdateProfile, email_claim
from contracts.registration import Open, Register, name_claim
from handlers.ledger.lane_decision import Gathered
from handlers.model.account import Account
from handlers.model.changes import Owners
from handlers.model.corrupt import CorruptDocument
from handlers.model.input_records import CommandRecord
from handlers.model.outcome import Outcome
from handlers.model.unpublished import EntryRange, owed_range, taken_over
from handlers.wire.rendering import Record
from storage.ports.ledger import LedgerTransaction
from workers.batches.rendered import event_of
from workers.monitoring.corrupt import CorruptDocuments

Stored = TypeVar("Stored", Account, Outcome)

CLAIMING = (Open, Register, UpdateProfile)
"""Commands that may take what no two users may have."""


@dataclass(frozen=True, slots=True)
class Owed:
    """An entry of another writer that may not have been published, and its event."""

    outcome: Outcome
    event: Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathering:
    """Reads for one writer."""

    writer: str
    signed_off: Callable[[Collection[str]], Awaitable[Collection[str]]]
    """Return those of some writers that have published all they wrote."""
    said: Callable[[str], int]
    """Return up to which sequence the writer has published a user's events, or is about to."""
    corrupt: CorruptDocuments
    alone: bool = False
    """Whether each command is tried by itself, because races were lost together: some of them may
    be no races, but an account that is behind its own entries."""

    async def read(
        self,
        transaction: LedgerTransaction,
        commands: Sequence[CommandRecord],
        again: Sequence[str],
    ) -> tuple[Gathered, Sequence[Owed]]:
        """Return what is known of the users of *commands*, and of the accounts named *again*.

        And what has to be published before anything of theirs.
        """
        corrupt: dict[str, CorruptDocument] = {}
        corrupt_outcomes: dict[str, CorruptDocument] = {}
        outcomes: Mapping[str, Outcome] = {}
        names = {received.command.username for received in commands}
        accounts = _readable(await transaction.accounts([*names, *again]), corrupt)
        others = {account.writer for account in accounts.values()} - {self.writer}
        if others and (done := await self.signed_off(others)):
            accounts = taken_over(accounts, done, self.writer)
        if commands:
            ids = [received.id for received in commands]
            outcomes = _readable(await transaction.outcomes(ids), corrupt_outcomes)
        owners = await _owners(transaction, commands, accounts, corrupt_outcomes)
        if self.alone:
            corrupt |= await _behind(transaction, accounts)
        owed = await self._owed(transaction, accounts, corrupt)
        if corrupt or corrupt_outcomes:
            await self.corrupt.take([*corrupt.values(), *corrupt_outcomes.values()])
        gathered = Gathered(
            accounts=accounts,
            outcomes=outcomes,
            owners=owners,
            corrupt=corrupt,
            corrupt_outcomes=corrupt_outcomes,
        )
        return gathered, owed

    async def _owed(
        self,
        transaction: LedgerTransaction,
        accounts: Mapping[str, Account],
        corrupt: dict[str, CorruptDocument],
    ) -> Sequence[Owed]:
        """Return what others may owe; users of whom not all can be had are *corrupt*, too."""
        ranges = [
            owing
            for account in accounts.values()
            if account.writer != self.writer
            and (owing := owed_range(account, self.writer, said=self.said(account.username)))
        ]
        if not ranges:
            return ()
        owed: list[Owed] = []
        for found in await transaction.entries(ranges):
            event = None if isinstance(found, CorruptDocument) else event_of(found)
            if isinstance(found, CorruptDocument):
                corrupt[found.username] = found
            elif event is None:
                corrupt[found.username] = _corrupt(found.username, found.id, "entry")
            else:
                owed.append(Owed(found, event))
        # Nothing of a user can be published behind an event that cannot be (P5).
        counts = Counter(each.outcome.username for each in owed)
        for owing in ranges:
            name = owing.username
            if name not in corrupt and counts[name] != owing.up_to - owing.after:
                missing = f"{name}, entries {owing.after + 1} to {owing.up_to}"
                corrupt[name] = _corrupt(name, missing, "sequence")
        return [each for each in owed if each.outcome.username not in corrupt]


def _readable(
    found: Mapping[str, Stored | CorruptDocument], corrupt: dict[str, CorruptDocument]
) -> Mapping[str, Stored]:
    """Return what of *found* can be understood; the rest goes to *corrupt*."""
    readable: dict[str, Stored] = {}
    for name, each in found.items():
        if isinstance(each, CorruptDocument):
            corrupt[name] = each
        else:
            readable[name] = each
    return readable


async def _owners(
    transaction: LedgerTransaction,
    commands: Sequence[CommandRecord],
    accounts: Mapping[str, Account],
    corrupt: dict[str, CorruptDocument],
) -> Owners:
    """Return who owns what the commands claim; those that hang on what nobody can say are *corrupt*."""
    emails: Mapping[str, str | CorruptDocument] = {}
    names: Mapping[str, str | CorruptDocument] = {}
    claiming = [each for each in commands if type(each.command) in CLAIMING]
    if claims := _emails(claiming, accounts):
        emails = await transaction.email_owners(claims)
    if claims := _names(claiming):
        names = await transaction.name_owners(claims)
    for claim, owner in (*emails.items(), *names.items()):
        if isinstance(owner, CorruptDocument):
            corrupt |= {
                received.id: owner
                for received in claiming
                if claim in _emails([received], accounts) | _names([received])
            }
    return Owners(emails=_told(emails), names=_told(names))


def _told(found: Mapping[str, str | CorruptDocument]) -> dict[str, str]:
    return {claim: owner for claim, owner in found.items() if isinstance(owner, str)}


async def _behind(
    transaction: LedgerTransaction, accounts: Mapping[str, Account]
) -> Mapping[str, CorruptDocument]:
    """Return the accounts whose next entry is there already: older than the entries, or damaged."""
    following = [
        EntryRange(username=name, after=account.sequence, up_to=account.sequence + 1)
        for name, account in accounts.items()
    ]
    return {
        entry.username: CorruptDocument(
            collection="accounts", id=entry.username, username=entry.username, field="sequence"
        )
        for entry in (await transaction.entries(following) if following else ())
    }


def _corrupt(username: str, identifier: str, field: str) -> CorruptDocument:
    return CorruptDocument(collection="outcomes", id=identifier, username=username, field=field)


def _emails(commands: Sequence[CommandRecord], accounts: Mapping[str, Account]) -> set[str]:
    """Return the addresses whose owners decide these commands, given-up ones included."""
    claims: set[str] = set()
    for received in commands:
        command = received.command
        assert isinstance(command, CLAIMING)
        if command.email:
            claims.add(email_claim(command.email))
            account = accounts.get(command.username)
            if account and account.profile.email_claim:
                claims.add(account.profile.email_claim)
    return claims


def _names(commands: Sequence[CommandRecord]) -> set[str]:
    """Return the sign-in names whose owners decide these commands."""
    claims = {
        name_claim(received.command.username)
        for received in commands
        if not isinstance(received.command, UpdateProfile)
    }
    return {claim for claim in claims if claim is not None}
