"""The query worker's answerer over stores in memory, watched."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any

from contracts.replies import Reply
from handlers.history.pages import EntryQuery
from handlers.model.account import Account
from handlers.model.outcome import Outcome
from storage.memory.ledger import MemoryCredentials, MemoryLedger
from storage.memory.reads import MemoryReads
from storage.ports.credentials import Credential
from storage.ports.errors import StoreUnavailableError
from tests.builders import NOON
from tests.unit.asking import asked, reply_of
from workers.requests.queries import QueryAnswerer

LATER = NOON + timedelta(hours=1)


class WatchedReads(MemoryReads):
    """Counts what is asked for, and lets others run meanwhile, as a real store does."""

    def __init__(self, ledger: MemoryLedger) -> None:
        super().__init__(ledger)
        self.asked: list[tuple[str, int]] = []
        self.at_once = 0
        self.at_once_max = 0
        self.away = False

    async def accounts(self, usernames: Collection[str]) -> Mapping[str, Account]:
        self.asked.append(("accounts", len(usernames)))
        return await super().accounts(usernames)

    async def outcomes(self, ids: Collection[str]) -> Mapping[str, Outcome]:
        self.asked.append(("outcomes", len(ids)))
        return await super().outcomes(ids)

    async def entries(self, stretch: EntryQuery) -> Sequence[Outcome]:
        if self.away:
            raise StoreUnavailableError("away")
        self.asked.append(("entries", stretch.limit))
        self.at_once += 1
        self.at_once_max = max(self.at_once_max, self.at_once)
        await asyncio.sleep(0)
        self.at_once -= 1
        return await super().entries(stretch)


class QueriesInMemory:
    """An answerer over stores in memory."""

    def __init__(self) -> None:
        self.ledger = MemoryLedger()
        self.credentials = MemoryCredentials(self.ledger)
        self.reads = WatchedReads(self.ledger)
        self.answerer = QueryAnswerer(self.reads, self.credentials, lambda: LATER)

    async def signed_up(self, *usernames: str) -> None:
        await self.credentials.insert(
            [
                Credential(username=each, command_id="one", hash="$x$hash", created_at=NOON)
                for each in usernames
            ]
        )

    async def ask(self, name: str, username: str = "alice", **fields: Any) -> Reply:
        (said,) = await self.answerer.answer([asked(name, username, **fields)])
        reply = reply_of(said)
        assert (said.status, said.code) == (reply.status, reply.error.code if reply.error else "")
        assert not said.beside
        return reply
