"""What the topics that this service writes to are called in full."""

from dataclasses import dataclass

from contracts import topics


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicNames:
    """Full names of what the workers write to."""

    results: str
    balance_events: str
    audit_events: str
    balances: str
    credentials: str
    dead_letters: str

    @classmethod
    def under(cls, prefix: str) -> "TopicNames":
        """Return the names under *prefix*."""
        return cls(
            results=prefix + topics.RESULTS.name,
            balance_events=prefix + topics.BALANCE_EVENTS.name,
            audit_events=prefix + topics.AUDIT_EVENTS.name,
            balances=prefix + topics.BALANCES.name,
            credentials=prefix + topics.CREDENTIALS.name,
            dead_letters=prefix + topics.DEAD_LETTERS.name,
        )
