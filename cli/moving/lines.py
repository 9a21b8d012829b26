"""A file of JSON lines, a bounded part of it in memory at a time."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

LINE_BYTES_MAX = 65_536
"""Of one account: fifty balances and every profile field at its longest need a third of it. Of a longer
line nothing is kept: it may be the whole of a file that is none of ours."""

SKIPPED_BYTES_AT_ONCE = 1 << 20
"""Of a line that is too long, dropped at a time."""

_BOM = b"\xef\xbb\xbf"
"""RFC 8259 §8.1: not to be written before JSON, and ignored where it is. Some editors put it there."""


class Line(NamedTuple):
    """One line that says something."""

    number: int
    """From 1, as editors count, those that say nothing included."""
    text: bytes | None
    """None where it is longer than `LINE_BYTES_MAX`."""


class ByteStream(Protocol):
    """The part of an open file that is needed."""

    def readline(self, size: int, /) -> bytes:
        """Return the next line with its end, or *size* bytes of it."""
        ...


class Lines:
    """Reads the lines of *stream*; those with spaces alone say nothing."""

    def __init__(self, stream: ByteStream) -> None:
        self._stream = stream
        self._number = 0
        self.bytes_read = 0
        """How far into the file it has come."""

    def take(self, at_most: int) -> Sequence[Line]:
        """Return the next lines; none at the end of the file. Blocks while the file does."""
        taken: list[Line] = []
        while len(taken) < at_most and (line := self._next()) is not None:
            if line.text is None or line.text.strip():
                taken.append(line)
        return taken

    def _next(self) -> Line | None:
        text = self._stream.readline(LINE_BYTES_MAX + 1)
        if not text:
            return None
        self._number += 1
        self.bytes_read += len(text)
        if len(text) > LINE_BYTES_MAX:
            self._skip_rest(text)
            return Line(self._number, None)
        return Line(self._number, text.removeprefix(_BOM) if self._number == 1 else text)

    def _skip_rest(self, text: bytes) -> None:
        while text and not text.endswith(b"\n"):
            text = self._stream.readline(SKIPPED_BYTES_AT_ONCE)
            self.bytes_read += len(text)
