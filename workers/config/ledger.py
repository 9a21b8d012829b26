"""The bounds of the ledger worker, each with its unit and reason."""

from dataclasses import dataclass

from workers.config.reader import ReaderOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerOptions(ReaderOptions):
    """How much at once, and how long a command may wait for its user's others."""

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
    states_again_max: int = 500
    """Accounts whose state is published once more in one cycle (a late writer may have left an
    older one last), so that a restart with many accounts does not stall commands."""
