"""Tells a repeated balance event from a new one, and a missing one from both."""

from collections.abc import Mapping

from client.errors import SequenceGapError


class Sequences:
    """The last sequence seen of each account: one integer per account is all it takes.

    Balance events of an account count 1, 2, 3 … and may be repeated at any time.
    """

    def __init__(self, last: Mapping[str, int] | None = None, *, complete: bool = False) -> None:
        self._last = dict(last or {})
        self._complete = complete

    def is_new(self, username: str, sequence: int) -> bool:
        """Return whether this event was not seen before, and note it.

        Where *complete* was given, an account not seen before must begin with 1; else it may
        begin anywhere, because older events may have expired.

        Raises:
            SequenceGapError: Events before this one are missing. Nothing is noted.
        """
        last = self._last.get(username)
        if last is None:
            last = 0 if self._complete else sequence - 1
        if sequence > last + 1:
            raise SequenceGapError(username, last=last, found=sequence)
        if sequence <= last:
            return False
        self._last[username] = sequence
        return True
