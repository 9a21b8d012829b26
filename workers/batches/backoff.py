"""How long to wait before the next try."""

from workers.clock import spread
from workers.config.reader import ReaderOptions

DOUBLINGS_MAX = 16
"""Further doublings would only overflow: the longest wait is reached long before."""


def backoff_s(tries: int, options: ReaderOptions) -> float:
    """Return seconds before try *tries* + 1: doubling, bounded, and spread by half.

    Spread, so that workers that failed together do not come back together.
    """
    longest_ms = min(
        options.retry_backoff_max_ms,
        options.retry_backoff_ms * 2 ** min(tries - 1, DOUBLINGS_MAX),
    )
    return longest_ms / 1000 * spread(0.5, 1.0)
