"""A ledger in memory with what stands beside it, and the recount over both."""

from typing import Any

import pytest

from handlers.model.account import Account
from handlers.model.corrupt import CorruptDocument
from handlers.model.outcome import Outcome
from storage.memory.identities import MemoryIdentities
from storage.memory.inspection import MemoryInspection
from storage.memory.ledger import MemoryCredentials, MemoryLedger
from tests.builders import a_claim, an_account, an_outcome, some_changes
from tests.identity_builders import a_credential
from workers.housekeeping import recount_rounds
from workers.housekeeping.recount_rounds import AGAIN_S, RecountRounds
from workers.monitoring.corrupt import CorruptDocuments
from workers.monitoring.metrics import Metrics

VIOLATIONS = "accounts_invariant_violations_total"


class Books:
    """A ledger with what stands beside it, and the rounds over both."""

    def __init__(self) -> None:
        self.ledger = MemoryLedger()
        self.credentials = MemoryCredentials(self.ledger)
        self.identities = MemoryIdentities(self.credentials)
        self.metrics = Metrics()
        self.rounds = RecountRounds(
            self.ledger,
            MemoryInspection(self.ledger, self.credentials, self.identities),
            metrics=self.metrics,
            corrupt=CorruptDocuments(self.metrics),
        )

    async def store(self, account: Account, *outcomes: Outcome) -> None:
        """Store an account as its registration does, with its claim and what it waits for."""
        email, new = account.profile.email, account.version == 1
        await self.write(
            accounts=[account],
            outcomes=outcomes,
            claimed=[a_claim(email, account.username)] if new and email else [],
            registered=[account] if new else [],
        )

    async def write(self, **changes: Any) -> None:
        async with self.ledger.transaction() as transaction:
            await transaction.apply(some_changes(**changes))
            await transaction.commit()

    def damage(self, collection: str, name: str, username: str) -> None:
        self.ledger.corrupt[collection, name] = CorruptDocument(
            collection=collection, id=name, username=username, field="a.field"
        )

    async def round(self) -> None:
        while await self.rounds.step() != AGAIN_S:
            pass

    def value(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(name, labels)


def unhurried(monkeypatch: pytest.MonkeyPatch) -> Books:
    """Return empty books, recounted without a rest."""
    monkeypatch.setattr(recount_rounds, "DOCUMENTS_PER_S_MIN", 1_000_000)
    monkeypatch.setattr(recount_rounds, "DOCUMENTS_PER_S_MAX", 1_000_000)
    return Books()


async def a_sound_one(books: Books, username: str) -> None:
    account = an_account(username, posted_minor=1000, sequence=1)
    await books.store(account, an_outcome(username, sequence=1), an_outcome(username))
    await books.credentials.insert([a_credential(username)])


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records]
