"""The bounds of whoever reads in a consumer group, each with its unit and reason."""

from dataclasses import dataclass

from workers.monitoring.progress import EXCUSED_S

BACKOFF_MS_MAX = round(EXCUSED_S * 1000)
"""Of the longest wait between tries: the watchdog takes one that nobody tries again for as long for given up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderOptions:
    """How long anything may take, and how long is waited before the next try."""

    publish_deadline_ms: int = 30_000
    """How long one attempt to publish a cycle may take before the producer is replaced."""
    reply_timeout_ms: int = 1000
    """How long a caller's reply topic may take before the answer goes to the results topic."""
    reply_retry_s: int = 30
    """How long a reply topic that failed is left alone."""
    revoke_timeout_ms: int = 5000
    """How long a rebalance waits for the cycle in hand; below the group's rebalance timeout."""
    shutdown_timeout_ms: int = 20_000
    """How long a stop waits for the cycle in hand; below what orchestrators allow (30 s)."""
    retry_backoff_ms: int = 100
    """First wait when a dependency is away; doubles, with jitter, up to the next value."""
    retry_backoff_max_ms: int = 5000
    """Longest wait between tries: how late a recovery may be noticed. At most a minute."""
    session_timeout_ms: int = 10_000
    """How long a silent worker keeps its partitions."""
