"""What an entry books: its user on one side, a house on the other, together nothing (P13)."""

from handlers.model.house import EXTERNAL
from handlers.model.outcome import BalanceChange


def other_side(entry: BalanceChange) -> tuple[str, int]:
    """Return which house the other side of *entry* is booked to, and what that house gains."""
    return entry.house or EXTERNAL, entry.before_minor - entry.after_minor
