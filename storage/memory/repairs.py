"""Damaged accounts in memory, and how they are mended."""

from collections.abc import AsyncIterator

from msgspec.structs import asdict

from handlers.history.rebuilding import Remains
from handlers.history.repair import Repair
from handlers.model.corrupt import CorruptDocument
from handlers.model.outcome import Outcome
from storage.memory.identities import MemoryIdentities
from storage.memory.ledger import MemoryCredentials, MemoryLedger, added
from storage.ports.errors import LostRaceError
from storage.ports.repairs import FoundAccount, Mending

READABLE = (
    *("account_id", "sequence", "version", "published_sequence"),
    *("opened_at", "changed_at", "balances", "signs_in", "books", "claim_digest"),
)


class MemoryRepairs:
    """Of a document in `MemoryLedger.corrupt` the field named there cannot be read, all else can."""

    def __init__(
        self,
        ledger: MemoryLedger,
        credentials: MemoryCredentials | None = None,
        identities: MemoryIdentities | None = None,
    ) -> None:
        self.repairs: dict[str, Repair] = {}
        self._ledger = ledger
        self._credentials = credentials or MemoryCredentials(ledger)
        self._identities = identities or MemoryIdentities(self._credentials)

    async def find(self, username: str) -> FoundAccount:
        """Return what can be read of the account's document."""
        ledger = self._ledger
        account = ledger.accounts.get(username, ledger.commits)
        if account is None:
            return FoundAccount(remains=Remains(is_there=False), seen=None)
        fields = asdict(account)
        profile = {
            name: value for name, value in asdict(account.profile).items() if value is not None
        }
        damaged = set[str]()
        if corrupt := ledger.corrupt.get(("accounts", username)):
            top, _, below = corrupt.field.partition(".")
            damaged.add(corrupt.field if top == "profile" else top)
            profile.pop(below, None)
            fields.pop(top, None)
        known = {name: fields[name] for name in READABLE if name in fields}
        remains = Remains(is_there=True, profile=profile, damaged=frozenset(damaged), **known)
        return FoundAccount(remains=remains, seen=account.version)

    async def decisions(self, username: str) -> AsyncIterator[Outcome | CorruptDocument]:
        """Yield one user's accepted outcomes that have no entry, in no order."""
        ledger = self._ledger
        for identifier, outcome in ledger.outcomes.items(ledger.commits):
            if outcome.username == username and outcome.entry is None and outcome.code is None:
                yield ledger.corrupt.get(("outcomes", identifier), outcome)

    async def repair(self, identifier: str) -> Repair | None:
        """Return the repair with this id."""
        return self.repairs.get(identifier)

    async def apply(self, mending: Mending) -> None:
        """Write *mending* in one step: nothing here waits, so nobody comes between."""
        ledger, username = self._ledger, mending.repair.username
        stored = ledger.accounts.get(username, ledger.commits)
        if (stored.version if stored else None) != mending.seen:
            raise LostRaceError(f"{username} was written since it was read")
        for claim in mending.released:
            if ledger.emails.get(claim.email, ledger.commits) != claim.username:
                raise LostRaceError("a claim was given up since it was read")
        released = {each.email for each in mending.released}
        for claim in mending.claimed:
            taken = ledger.emails.get(claim.email, ledger.commits) is not None
            if taken and claim.email not in released:
                raise LostRaceError("the address was claimed since it was read")
        self._write(mending)

    def _write(self, mending: Mending) -> None:
        ledger, username = self._ledger, mending.repair.username
        ledger.commits += 1
        for claim in mending.released:
            ledger.emails.put(claim.email, None, ledger.commits)
        for claim in mending.claimed:
            ledger.emails.put(claim.email, claim.username, ledger.commits)
        if mending.account is not None:
            ledger.accounts.put(username, mending.account, ledger.commits)
            ledger.corrupt.pop(("accounts", username), None)
        for row in mending.houses:
            stored = ledger.houses.get(row.id, ledger.commits)
            ledger.houses.put(row.id, added(stored, row), ledger.commits)
        if mending.discarded:
            self._discard(username)
        self.repairs[mending.repair.id] = mending.repair

    def _discard(self, username: str) -> None:
        ledger = self._ledger
        for claims in (ledger.emails, ledger.names):
            for claim, owner in [*claims.items(ledger.commits)]:
                if owner == username:
                    claims.put(claim, None, ledger.commits)
        ledger.registrations.put(username, None, ledger.commits)
        self._credentials.by_username.pop(username, None)
        sessions = self._identities.sessions
        for session in [each for each in sessions.values() if each.username == username]:
            del sessions[session.session_id]
