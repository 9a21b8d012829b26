"""What a process may do, each startable alone so that it scales apart."""

from enum import StrEnum


class Role(StrEnum):
    """One worker."""

    LEDGER = "ledger"
    """Decides commands and moves money."""
    IDENTITY = "identity"
    """Signs users in and out, and hashes passwords."""
    QUERY = "query"
    """Answers questions about accounts."""
    HOUSEKEEPER = "housekeeper"
    """Sweeps states and recounts money; one at a time over all processes."""


ALL = frozenset(Role)
