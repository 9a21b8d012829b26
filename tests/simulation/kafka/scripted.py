"""Fates as a test says, before topics that lie on two brokers."""

from collections.abc import Callable

from tests.simulation.network import Call, Fate

TOPICS = ("a", "b")

LED_BY_THE_SAME = "c"
"""Broker as the first of them, so that one fetch brings both."""


class Scripted:
    """Where the test says nothing, all goes well."""

    def __init__(self) -> None:
        self.rule: Callable[[str, str], Fate | None] = lambda _process, _operation: None

    def of(self, process: str, call: Call) -> Fate:
        return self.rule(process, call.operation) or Fate()

    def once(self, operation: str, fate: Fate, *, after: int = 0) -> None:
        """Let the next call of *operation* but *after* have this *fate*."""
        left = [fate, *[Fate()] * after]
        self.rule = lambda _, asked: left.pop() if left and asked == operation else None
