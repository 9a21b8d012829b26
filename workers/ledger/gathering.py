"""Reads all that one lane's commands are decided on, in one snapshot."""

from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from contracts.profile import UpdateProfile, email_claim
from contracts.registration import Register
from handlers.account import Account
from handlers.batch import Gathered
from handlers.corrupt import CorruptDocument
from handlers.outcome import Outcome
from handlers.owing import owed_range, taken_over
from handlers.received import Received
from handlers.rendering import Record
from storage.ports import LedgerTransaction
from workers.corrupt import CorruptDocuments
from workers.rendered import event_of


@dataclass(frozen=True, slots=True)
class Owed:
    """An entry of another writer that may not have been published, and its event."""

    outcome: Outcome
    event: Record


@dataclass(slots=True, kw_only=True)
class Snapshot:
    """What a lane found, while it reads it."""

    accounts: Mapping[str, Account] = field(default_factory=dict[str, Account])
    outcomes: Mapping[str, Outcome] = field(default_factory=dict[str, Outcome])
    owners: Mapping[str, str] = field(default_factory=dict[str, str])
    owed: Sequence[Owed] = ()
    corrupt: dict[str, CorruptDocument] = field(default_factory=dict[str, CorruptDocument])
    """Username → what keeps all their commands from being decided."""
    corrupt_outcomes: dict[str, CorruptDocument] = field(default_factory=dict[str, CorruptDocument])
    """`Outcome.id` → what keeps this one command from being answered."""

    @property
    def gathered(self) -> Gathered:
        """What the commands are decided on."""
        return Gathered(
            accounts=self.accounts,
            outcomes=self.outcomes,
            email_owners=self.owners,
            corrupt=self.corrupt,
            corrupt_outcomes=self.corrupt_outcomes,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathering:
    """Reads for one writer."""

    writer: str
    signed_off: Callable[[Collection[str]], Awaitable[Collection[str]]]
    """Return those of some writers that have published all they wrote."""
    said: Callable[[str], int]
    """Return up to which sequence the writer has published a user's events, or is about to."""
    corrupt: CorruptDocuments

    async def read(
        self, transaction: LedgerTransaction, commands: Sequence[Received], again: Sequence[str]
    ) -> Snapshot:
        """Return what is known of the users of *commands*, and of the accounts named *again*."""
        snapshot = Snapshot()
        names = {received.command.username for received in commands}
        await self._read_accounts(transaction, [*names, *again], snapshot)
        if commands:
            await self._read_outcomes(transaction, [received.id for received in commands], snapshot)
        if claims := _claims(commands, snapshot.accounts):
            snapshot.owners = await transaction.email_owners(claims)
        await self._read_owed(transaction, snapshot)
        if snapshot.corrupt or snapshot.corrupt_outcomes:
            self.corrupt.report([*snapshot.corrupt.values(), *snapshot.corrupt_outcomes.values()])
        return snapshot

    async def _read_accounts(
        self, transaction: LedgerTransaction, names: Sequence[str], snapshot: Snapshot
    ) -> None:
        accounts: dict[str, Account] = {}
        for name, found in (await transaction.accounts(names)).items():
            if isinstance(found, CorruptDocument):
                snapshot.corrupt[name] = found
            else:
                accounts[name] = found
        snapshot.accounts = accounts
        others = {account.writer for account in accounts.values()} - {self.writer}
        if others and (done := await self.signed_off(others)):
            snapshot.accounts = taken_over(accounts, done, self.writer)

    async def _read_outcomes(
        self, transaction: LedgerTransaction, ids: Sequence[str], snapshot: Snapshot
    ) -> None:
        outcomes: dict[str, Outcome] = {}
        for each, found in (await transaction.outcomes(ids)).items():
            if isinstance(found, CorruptDocument):
                snapshot.corrupt_outcomes[each] = found
            else:
                outcomes[each] = found
        snapshot.outcomes = outcomes

    async def _read_owed(self, transaction: LedgerTransaction, snapshot: Snapshot) -> None:
        ranges = [
            owing
            for account in snapshot.accounts.values()
            if account.writer != self.writer
            and (owing := owed_range(account, self.writer, said=self.said(account.username)))
        ]
        if not ranges:
            return
        owed: list[Owed] = []
        for found in await transaction.entries(ranges):
            event = None if isinstance(found, CorruptDocument) else event_of(found)
            if isinstance(found, CorruptDocument):
                snapshot.corrupt[found.username] = found
            elif event is None:
                snapshot.corrupt[found.username] = _corrupt(found.username, found.id, "entry")
            else:
                owed.append(Owed(found, event))
        # Nothing of a user can be published behind an event that cannot be (P5).
        counts = Counter(each.outcome.username for each in owed)
        for owing in ranges:
            name = owing.username
            if name not in snapshot.corrupt and counts[name] != owing.up_to - owing.after:
                missing = f"{name}, entries {owing.after + 1} to {owing.up_to}"
                snapshot.corrupt[name] = _corrupt(name, missing, "sequence")
        snapshot.owed = [each for each in owed if each.outcome.username not in snapshot.corrupt]


def _corrupt(username: str, identifier: str, field: str) -> CorruptDocument:
    return CorruptDocument(collection="outcomes", id=identifier, username=username, field=field)


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
