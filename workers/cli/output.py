"""What commands print: for people on a terminal, plain in a pipe, JSON when asked."""

import json
import shutil
import sys
import textwrap
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from workers.redaction import cleaned

if TYPE_CHECKING:
    from rich.console import Console


class Format(StrEnum):
    """What `--output` accepts."""

    AUTO = "auto"
    TEXT = "text"
    JSON = "json"


class CliError(Exception):
    """The command cannot be carried out; its text is the one line the user sees."""

    def __init__(self, *problems: str, exit_code: int = 2) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems
        self.exit_code = exit_code


@dataclass(frozen=True, slots=True)
class Output:
    """Where a command's answer goes; notes on the way go to standard error.

    Everything that is printed passes here, and is cleaned here: much of it was read from Kafka or
    MongoDB, where others write.
    """

    format: Format = Format.AUTO

    @property
    def is_json(self) -> bool:
        """Whether a program reads this."""
        return self.format is Format.JSON

    @property
    def is_live(self) -> bool:
        """Whether colours and moving things reach a person."""
        return self.format is Format.AUTO and sys.stdout.isatty()

    def console(self, *, stderr: bool = False) -> "Console":
        """Return a rich console that is plain unless a person looks at it."""
        from workers.cli.clean_console import CleanConsole

        if self.format is Format.AUTO:
            stream = sys.stderr if stderr else sys.stdout
            # A terminal would break lines inside words; a pipe gets each whole.
            return CleanConsole(stderr=stderr, highlight=False, soft_wrap=not stream.isatty())
        return CleanConsole(
            stderr=stderr, highlight=False, soft_wrap=True, no_color=True, force_terminal=False
        )

    def record(self, record: Mapping[str, object], *lines: str) -> None:
        """Print *record* as one JSON line, or *lines* for people."""
        for line in [json.dumps(record, default=str)] if self.is_json else lines:
            print_line(line)

    def note(self, text: str) -> None:
        """Say something that is not the answer: on standard error, and not to programs."""
        if not self.is_json:
            self.console(stderr=True).print(text, markup=False)

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Print rows: a JSON list of objects, a drawn table, or aligned plain columns."""
        if self.is_json:
            print_line(json.dumps([dict(zip(columns, row, strict=True)) for row in rows]))
        elif self.is_live:
            from workers.cli.clean_console import draw_table

            draw_table(columns, rows)
        else:
            for line in _aligned([columns, *rows]):
                print_line(line)


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def print_line(line: str) -> None:
    """Print one line at once, so that a reader at the other end of a pipe can act on it."""
    sys.stdout.write(cleaned(line) + "\n")
    sys.stdout.flush()


def fitted(line: str) -> str:
    """Return *line* for standard error: broken between words where that is a terminal."""
    if not sys.stderr.isatty():
        return line
    width = shutil.get_terminal_size().columns
    return textwrap.fill(line, width, break_long_words=False, break_on_hyphens=False)


_current: ContextVar[Output] = ContextVar("output")


def output() -> Output:
    """Return how this run was asked to print."""
    return _current.get(Output())


def choose(chosen: Format) -> None:
    """Set how this run prints."""
    _current.set(Output(chosen))
