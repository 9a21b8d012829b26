"""Whether what was begun may still be finished."""


class AbandonedError(Exception):
    """What was in hand was given up meanwhile; nothing of it may be published."""


class Term:
    """Goes on until something in hand is given up; the next begins at once."""

    def __init__(self) -> None:
        self.number = 0
        """Raised by every abandonment."""

    def end(self) -> None:
        """Give up whatever is in hand."""
        self.number += 1

    def check(self, number: int) -> None:
        """Go on only in the same term.

        Raises:
            AbandonedError: It has ended.
        """
        if number != self.number:
            raise AbandonedError
