"""Which writers before us left nothing undone."""

from collections.abc import Collection

from storage.ports.ledger import Ledger


class WriterSignOffs:
    """Asks once about every name, until somebody else may have ended."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._signed_off: dict[str, bool] = {}

    async def signed_off(self, writers: Collection[str]) -> Collection[str]:
        """Return those of *writers* that published all they wrote, and write no more.

        Raises:
            StoreUnavailableError: Nobody can say.
        """
        if unknown := [name for name in writers if name not in self._signed_off]:
            done = await self._ledger.signed_off(unknown)
            self._signed_off.update((name, name in done) for name in unknown)
        return {name for name in writers if self._signed_off[name]}

    def forget(self) -> None:
        """Ask again: partitions move where somebody ends."""
        self._signed_off.clear()
