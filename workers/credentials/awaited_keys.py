"""Sealing keys that the ledger worker had and this process has not: they may be on their way."""

from collections.abc import Callable

KEY_PATIENCE_S = 60.0
"""How long a blob waits for a key that the ledger had and this process has not: a key folder that
is copied to several machines arrives within it."""

AWAITED_KEYS_MAX = 1000
"""Missing keys remembered: more than a service ever has, so somebody else writes the topic."""


class KeyAwaitedError(Exception):
    """A blob's key is not here; it may be on its way."""


class AwaitedKeys:
    """Since when each is missing."""

    def __init__(self, clock_s: Callable[[], float]) -> None:
        self._clock_s = clock_s
        self._missing_since_s: dict[str, float] = {}

    def wait_for(self, kid: str) -> None:
        """Have patience with a key that is not here yet.

        Raises:
            KeyAwaitedError: It may still arrive.
        """
        if len(self._missing_since_s) >= AWAITED_KEYS_MAX:
            self._missing_since_s.clear()
        since_s = self._missing_since_s.setdefault(kid, self._clock_s())
        if self._clock_s() - since_s < KEY_PATIENCE_S:
            raise KeyAwaitedError

    def arrived(self, kid: str) -> None:
        """Forget that it was missing."""
        self._missing_since_s.pop(kid, None)
