"""Whose passwords are hashed: of one user a few in each batch, so that others get their turn."""

from handlers.model.refused import Refused
from workers.identity.password_check import too_many
from workers.monitoring.metrics import Metrics

HASHINGS_PER_USER_MAX = 4
"""Passwords hashed for one user in one batch: a second's work of one thread, which is how long a
flood from a single user may hold up all others of its batch."""

KEPT_FOR_KNOWN = 1
"""Of them, for devices on which the user has signed in before: strangers cannot take it."""

RETRY_AFTER_S = 1
"""When whoever got no turn may try again: the next batch is taken about then."""


class HashBudget:
    """What is left for one user in one batch, whose requests are decided one after the other."""

    def __init__(self) -> None:
        self.left = HASHINGS_PER_USER_MAX


class HashShare:
    """One request's, however often the request is decided again."""

    def __init__(self, turns: HashBudget, metrics: Metrics, *, hashings: int) -> None:
        """Take nothing yet; *hashings* is how many a request that is accepted needs."""
        self._turns = turns
        self._metrics = metrics
        self._hashings = hashings
        self._taken = False

    def refused(self, *, is_known: bool) -> Refused | None:
        """Say that it has to wait where nothing is left, before its guess is counted."""
        kept = 0 if is_known else KEPT_FOR_KNOWN
        if self._taken or self._turns.left > kept:
            return None
        self._metrics.guesses_refused_total.labels("turn").inc()
        return too_many(RETRY_AFTER_S)

    def take(self) -> None:
        """Take it, once: from here on something is hashed."""
        if not self._taken:
            self._taken = True
            self._turns.left -= self._hashings
