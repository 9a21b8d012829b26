"""Whether what was begun may still be finished."""

from workers.halt import Halt


class AbandonedError(Exception):
    """What was in hand was given up meanwhile; nothing of it may be published."""


class Term:
    """Goes on until something in hand is given up; the next begins at once, unless all ends."""

    def __init__(self, halt: Halt | None = None) -> None:
        self._halt = Halt() if halt is None else halt
        self.number = 0
        """Raised by every abandonment."""

    def end(self) -> None:
        """Give up whatever is in hand."""
        self.number += 1

    def check(self, number: int) -> None:
        """Go on only in the same term.

        Raises:
            AbandonedError: It has ended, or the process does.
        """
        if number != self.number or self._halt.is_set:
            raise AbandonedError
