"""The bounds of the ledger worker, each with its unit and reason."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerOptions:
    """How much at once, and how long at most."""

    group: str = "accounts-ledger"
    """Consumer group: its committed offsets say what has been answered."""
    lanes: int = 4
    """Transactions side by side in one cycle: while one waits for MongoDB, another is decided."""
    batch_records_max: int = 4000
    """Records in one cycle: large enough that a transaction's fixed cost vanishes, small enough
    that a cycle stays well under the transaction lifetime limit."""
    clock_skew_ms: int = 200
    """How far the brokers' clocks may be apart; timestamps closer than this count as ties."""
    parked_recheck_ms: int = 50
    """How often commands that wait for other topics are decided again."""
    parked_records_max: int = 5000
    """Commands waiting in one partition number before the topics ahead are paused."""
    end_offsets_timeout_ms: int = 1000
    """How long a cycle waits for end offsets before its refusals wait for the next cycle."""
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
    """Longest wait between tries: how late a recovery may be noticed."""
    states_again_max: int = 500
    """Accounts whose state is published once more in one cycle (a late writer may have left an
    older one last), so that a restart with many accounts does not stall commands."""
    session_timeout_ms: int = 10_000
    """How long a silent worker keeps its partitions."""
