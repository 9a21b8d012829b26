"""An account in memory to be damaged, who repairs it, and what is said of that."""

import asyncio
from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from handlers.history.repair import Repair
from handlers.model.account import Account
from handlers.model.corrupt import CorruptDocument
from handlers.model.outcome import Outcome
from handlers.wire.rendering import Rendering
from storage.memory.houses import MemoryHouses
from storage.memory.identities import MemoryIdentities
from storage.memory.inspection import MemoryInspection
from storage.memory.ledger import MemoryCredentials, MemoryLedger
from storage.memory.repairs import MemoryRepairs
from tests.builders import (
    NOON,
    a_chain,
    a_claim,
    a_row,
    an_account,
    an_entry,
    an_outcome,
    some_changes,
)
from workers.housekeeping.diagnosis import Diagnosis
from workers.housekeeping.repair import Repairing

ENTRIES = 3


class Said:
    """Takes what is published, in order; Kafka may be away."""

    def __init__(self) -> None:
        self.records: list[tuple[str, Any]] = []
        self.audits: list[Repair] = []
        self.away = False

    async def publish_states(self, accounts: Sequence[Account], owed: Sequence[Outcome]) -> None:
        if self.away:
            raise ConnectionError
        self.records += [("state", account.version) for account in accounts]
        self.records += [("event", each.entry.sequence) for each in owed if each.entry]

    async def publish_audit(self, repair: Repair) -> None:
        self.audits.append(repair)
        self.records.append(("audit", repair.id))

    def events(self) -> list[int]:
        return [what for kind, what in self.records if kind == "event"]


class Lacking:
    """A topic of balance events without some of them."""

    def __init__(self, *sequences: int) -> None:
        self._sequences = sequences

    def lacks(self, outcome: Outcome) -> bool:
        return outcome.entry is not None and outcome.entry.sequence in self._sequences


class Workshop:
    """Alice's account with three entries, sound and wholly published, and who repairs it."""

    def __init__(self) -> None:
        self.ledger = MemoryLedger()
        self.credentials = MemoryCredentials(self.ledger)
        self.identities = MemoryIdentities(self.credentials)
        self.repairs = MemoryRepairs(self.ledger, self.credentials, self.identities)
        self.said = Said()
        self.repairing = Repairing(
            self.ledger,
            MemoryInspection(self.ledger, self.credentials, self.identities, self.repairs),
            self.repairs,
            MemoryHouses(self.ledger),
            self.said,
        )
        asyncio.run(self._fill())

    async def _fill(self) -> None:
        entries = a_chain(
            *(
                an_outcome(
                    sequence=each,
                    entry=an_entry(each, before_minor=1000 * (each - 1), after_minor=1000 * each),
                )
                for each in range(1, ENTRIES + 1)
            )
        )
        self.account = an_account(
            posted_minor=1000 * ENTRIES,
            sequence=ENTRIES,
            version=1,
            writer="gone",
            published_sequence=1,
            head=Rendering(entries[-1]).entry_hash,
        )
        await self.write(
            accounts=[self.account],
            outcomes=[an_outcome(command_id="registration"), *entries],
            claimed=[a_claim()],
            registered=[self.account],
            houses=[a_row("gone:0", -1000 * ENTRIES)],
        )
        await self.ledger.sign_off("gone", at=NOON)

    async def write(self, **changes: Any) -> None:
        async with self.ledger.transaction() as transaction:
            await transaction.apply(some_changes(**changes))
            await transaction.commit()

    def by_hand(self, **changed: Any) -> None:
        self.ledger.commits += 1
        self.ledger.accounts.put("alice", replace(self.account, **changed), self.ledger.commits)

    def damage(self, collection: str, name: str, field: str) -> None:
        self.ledger.corrupt[collection, name] = CorruptDocument(
            collection=collection, id=name, username="alice", field=field
        )

    async def repair(self, **how: Any) -> Diagnosis:
        diagnosis = await self.repairing.examine("alice", **how)
        await self.repairing.carry_out(diagnosis, actor="an operator")
        return diagnosis

    async def owners(self) -> dict[str, str]:
        return dict(self.ledger.emails.items(self.ledger.commits))
