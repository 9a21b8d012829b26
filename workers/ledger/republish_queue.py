"""Accounts whose state is published once more, because a late writer may leave an older one."""

from collections.abc import Iterable, Sequence

from workers.clock import monotonic_s

ACCOUNTS_MAX = 100_000
"""Accounts remembered at a time; beyond it the housekeeper's sweep has to do."""


class RepublishQueue:
    """Usernames by when they are due, first due first."""

    def __init__(self, delay_ms: int) -> None:
        self._delay_s = delay_ms / 1000
        self._due_at_s: dict[str, float] = {}
        self._last_at_s: dict[str, float] = {}
        """When those that were named again while they waited are due for the last time."""

    def __len__(self) -> int:
        """Return how many accounts are remembered."""
        return len(self._due_at_s)

    def schedule(self, usernames: Iterable[str]) -> None:
        """Publish these accounts' states once more, when a late writer must have given up.

        One that waits already is due as before, and then once more: who was met last may be late as long.
        """
        at_s = monotonic_s() + self._delay_s
        for username in usernames:
            if username in self._due_at_s:
                self._last_at_s[username] = at_s
            elif len(self._due_at_s) < ACCOUNTS_MAX:
                self._due_at_s[username] = at_s

    def due(self) -> bool:
        """Say whether any account is due."""
        first_s = next(iter(self._due_at_s.values()), None)
        return first_s is not None and first_s <= monotonic_s()

    def take(self, accounts_max: int) -> Sequence[str]:
        """Remove and return up to *accounts_max* that are due."""
        now_s = monotonic_s()
        taken: list[str] = []
        for username, at_s in self._due_at_s.items():
            if at_s > now_s or len(taken) == accounts_max:
                break
            taken.append(username)
        for username in taken:
            del self._due_at_s[username]
            last_s = self._last_at_s.pop(username, now_s)
            if last_s > now_s:
                self._due_at_s[username] = last_s
        return taken
