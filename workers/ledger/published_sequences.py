"""How far accounts' events are published: by the cycle on its way, and as Kafka acknowledged them.

Two partitioners bring one account's commands to two workers. Each meets the other's mark every time,
and publishes what the other may owe. What a worker has published itself it need not publish again,
and once that is acknowledged it may say so in the account.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from handlers.model.outcome import Outcome

ACCOUNTS_MAX = 10_000
"""Accounts remembered, 1 MB; of one that is forgotten, some events are published once more."""


@dataclass(slots=True)
class CycleSequences:
    """Which events one cycle publishes of each account: all from the lowest to the highest."""

    lowest: dict[str, int] = field(default_factory=dict[str, int])
    highest: dict[str, int] = field(default_factory=dict[str, int])

    def add(self, outcome: Outcome) -> None:
        """Take in that the event of *outcome*, if it has one, is published next."""
        if outcome.entry is not None:
            self.lowest.setdefault(outcome.username, outcome.entry.sequence)
            self.highest[outcome.username] = outcome.entry.sequence

    def take_in(self, others: "CycleSequences") -> None:
        """Take in what is published of *others*' accounts, which are none of ours."""
        self.lowest.update(others.lowest)
        self.highest.update(others.highest)


class PublishedSequences:
    """Of accounts that other workers write, too: facts about Kafka's log, which stay true."""

    def __init__(self) -> None:
        self._acknowledged: dict[str, int] = {}

    @property
    def acknowledged(self) -> Mapping[str, int]:
        """Username → sequence up to which every event is acknowledged."""
        return self._acknowledged

    def take_in(self, sequences: CycleSequences, shared: Collection[str]) -> None:
        """Take in that *sequences* are acknowledged; in *shared* accounts others' marks were met."""
        known = self._acknowledged
        for username in {*shared, *(known.keys() & sequences.highest.keys())}:
            if (sequence := sequences.highest.get(username)) is not None:
                known[username] = max(sequence, known.get(username, 0))
        while len(known) > ACCOUNTS_MAX:
            del known[next(iter(known))]

    def forget(self) -> None:
        """Start over: partitions move, and with them the accounts that are shared."""
        self._acknowledged = {}
