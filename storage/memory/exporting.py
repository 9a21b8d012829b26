"""Everybody in memory, for whoever moves out."""

from collections.abc import AsyncIterator

from storage.memory.ledger import MemoryCredentials, MemoryLedger
from storage.ports.export import StoredUser


class MemoryExport:
    """Sees what is committed to *ledger* when it begins."""

    def __init__(self, ledger: MemoryLedger, credentials: MemoryCredentials) -> None:
        self._ledger = ledger
        self._credentials = credentials

    async def users(self, *, with_credentials: bool) -> AsyncIterator[StoredUser]:
        """Yield all by username."""
        accounts = sorted(self._ledger.accounts.items(self._ledger.commits), key=lambda row: row[0])
        known = dict(self._credentials.by_username) if with_credentials else {}
        for name, account in accounts:
            read = self._ledger.corrupt.get(("accounts", name), account)
            yield StoredUser(read, known.get(name))
