"""How many accounts one source may open: each costs a hash and stays for ever."""

from collections import OrderedDict
from collections.abc import Callable

SOURCES_MAX = 10_000
"""Sources remembered: who has been quiet for longest is forgotten first."""

MINUTE_S = 60.0


class NewAccounts:
    """So many at once, and then so many a minute, of each source (a leaky bucket)."""

    def __init__(self, per_minute: int, monotonic_s: Callable[[], float]) -> None:
        self._each_s = MINUTE_S / per_minute
        self._monotonic_s = monotonic_s
        self._empty_s: OrderedDict[str, float] = OrderedDict()
        """When the bucket of a source is empty again, the last to have used it last."""

    def wait_s(self, source: str) -> float:
        """Count one more of *source*, unless it has to wait: return for how long, 0 where not."""
        now_s = self._monotonic_s()
        empty_s = max(self._empty_s.get(source, 0.0), now_s) + self._each_s
        if (over_s := empty_s - now_s - MINUTE_S) > 0:
            return over_s
        self._empty_s[source] = empty_s
        self._empty_s.move_to_end(source)
        if len(self._empty_s) > SOURCES_MAX:
            self._empty_s.popitem(last=False)
        return 0.0
