"""Under which name this worker writes, and whether what it applied may still be published."""

from workers.clock import fresh_name
from workers.consuming.term import Term
from workers.halt import Halt


class Tenure(Term):
    """A writer name that is used until this worker loses track of what it published.

    The name marks accounts: one marked by another name, or by a retired one of our own, may owe
    events. It is random, so that no two workers ever share one.
    """

    def __init__(self, halt: Halt | None = None) -> None:
        super().__init__(halt)
        self.writer = fresh_name()

    def retire_writer(self) -> None:
        """Take a new name: the old one signed off, or nobody knows what it last committed."""
        self.writer = fresh_name()

    def end(self) -> None:
        """Give up whatever was applied and not published."""
        super().end()
        self.retire_writer()
