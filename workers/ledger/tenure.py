"""Under which name this worker writes, and whether what it applied may still be published."""

from workers.clock import fresh_name


class AbandonedError(Exception):
    """The cycle was given up meanwhile; nothing of it may be published."""


class Tenure:
    """A writer name that is used until this worker loses track of what it published.

    The name marks accounts: one marked by another name, or by a retired one of our own, may owe
    events. It is random, so that no two workers ever share one.
    """

    def __init__(self) -> None:
        self.writer = fresh_name()
        self.number = 0
        """Raised by every abandonment."""

    def retire_writer(self) -> None:
        """Take a new name: nobody knows whether the last commit under the old one happened."""
        self.writer = fresh_name()

    def end(self) -> None:
        """Give up whatever was applied and not published."""
        self.number += 1
        self.retire_writer()

    def check(self, number: int) -> None:
        """Go on only in the same tenure.

        Raises:
            AbandonedError: It has ended.
        """
        if number != self.number:
            raise AbandonedError
