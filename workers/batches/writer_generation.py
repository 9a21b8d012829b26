"""What a worker may still finish of what it began, and under which name it writes."""

from workers.clock import fresh_name
from workers.monitoring.halt import Halt


class AbandonedError(Exception):
    """What was in hand was given up meanwhile; nothing of it may be published."""


class WriterGeneration:
    """Goes on until what is in hand is given up; the next begins at once, unless all ends.

    Whatever was begun in one generation is neither published nor committed in another. The ledger
    marks accounts with its writer's name: one marked by another name, or by a retired one of our own,
    may owe events. A name is random, so that no two workers ever share one, and is used until its
    worker loses track of what it published. Who reads requests needs none: to answer one again does
    no harm.
    """

    def __init__(self, halt: Halt | None = None) -> None:
        self._halt = Halt() if halt is None else halt
        self.number = 0
        """Raised by every abandonment."""
        self.writer = fresh_name()

    def retire_writer(self) -> None:
        """Take a new name: the old one signed off, or nobody knows what it last committed."""
        self.writer = fresh_name()

    def end(self) -> None:
        """Give up whatever is in hand: applied, and not published."""
        self.number += 1
        self.retire_writer()

    def check(self, number: int) -> None:
        """Go on only in the same generation.

        Raises:
            AbandonedError: It has ended, or the process does.
        """
        if number != self.number or self._halt.is_set:
            raise AbandonedError
