"""Lays out rows of cells below each other; where a line is too short for a row, between its cells."""

import textwrap
from collections.abc import Iterator, Sequence

GAP = "  "
"""Between two cells."""

INDENT = "    "
"""Before what goes on below its row."""

STRAYS_OF = 10
"""One cell in so many may be too long for its column: its row alone is broken for it."""


class Columns:
    """Plain columns of a table that may come page by page; they widen, and are never narrowed."""

    def __init__(self, names: Sequence[str], width: int | None) -> None:
        """Lines get no longer than *width*, unless a single word is; as long as a row when None."""
        self.names = names
        self._width = width
        self._cells = [[len(name)] for name in names]

    def lines(self, rows: Sequence[Sequence[str]]) -> list[str]:
        """Return the lines of *rows*."""
        for row in rows:
            for column, cell in zip(self._cells, row, strict=True):
                column.append(len(cell))
        widths = self._widths()
        places = self._places(widths)
        return [line for row in rows for line in self._of(row, widths, places)]

    def _widths(self) -> list[int]:
        """Return how wide each column is: as its cells, but for a few that are far too long."""
        widths = [max(lengths) for lengths in self._cells]
        if self._width is None:
            return widths
        strays_max = len(self._cells[0]) // STRAYS_OF
        fitting = [sorted(lengths)[-1 - strays_max] for lengths in self._cells]
        widest = max(range(len(widths)), key=lambda column: widths[column])
        narrowed = [*widths[:widest], fitting[widest], *widths[widest + 1 :]]
        return narrowed if _length(narrowed) <= self._width < _length(widths) else widths

    def _places(self, widths: Sequence[int]) -> list[tuple[int, int]]:
        """Return which columns stand in each line of a row: first and end."""
        places: list[tuple[int, int]] = []
        begin, used = 0, 0
        for column, width in enumerate(widths):
            if column > begin and self._width is not None and used + width > self._width:
                places.append((begin, column))
                begin, used = column, len(INDENT)
            used += width + len(GAP)
        return [*places, (begin, len(widths))]

    def _of(
        self, row: Sequence[str], widths: Sequence[int], places: Sequence[tuple[int, int]]
    ) -> Iterator[str]:
        if self._width is not None and any(map(int.__gt__, map(len, row), widths)):
            widths = [*map(len, row)]
            places = self._places(widths)
        for begin, end in places:
            cells = zip(row[begin:end], widths[begin:end], strict=True)
            line = GAP.join(cell.ljust(width) for cell, width in cells).rstrip()
            if begin and line:
                line = INDENT + line
            if line or not begin:
                yield from [line] if self._width is None else broken(line, self._width)


def _length(widths: Sequence[int]) -> int:
    return sum(widths) + len(GAP) * (len(widths) - 1)


def broken(line: str, width: int) -> list[str]:
    """Return *line* in lines of at most *width*, broken between words; what goes on is indented."""
    if len(line) <= width:
        return [line]
    indent = " " * (len(line) - len(line.lstrip(" ")))
    return textwrap.wrap(
        line.lstrip(" "),
        width,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
        replace_whitespace=False,
    )
