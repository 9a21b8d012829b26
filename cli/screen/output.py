"""What commands print: for people on a terminal, plain in a pipe, JSON when asked."""

import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TextIO

from cli.screen.columns import Columns, broken
from workers.monitoring.redaction import cleaned

if TYPE_CHECKING:
    from cli.screen.clean_console import CleanConsole


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
    the store, where others write.
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

    def console(self, *, stderr: bool = False) -> "CleanConsole":
        """Return a rich console that is plain unless a person looks at it."""
        from cli.screen.clean_console import CleanConsole

        if self.format is Format.AUTO:
            stream = sys.stderr if stderr else sys.stdout
            # Lines are broken, between words, where a person looks; a pipe gets each whole.
            return CleanConsole(stderr=stderr, highlight=False, soft_wrap=not stream.isatty())
        return CleanConsole(
            stderr=stderr, highlight=False, soft_wrap=True, no_color=True, force_terminal=False
        )

    def record(self, record: Mapping[str, object], *lines: str) -> None:
        """Print *record* as one JSON line, or *lines* for people."""
        if self.is_json:
            print_line(json.dumps(record, default=str))
            return
        for line in lines:
            print_line(line, width=width_of(sys.stdout))

    def note(self, text: str) -> None:
        """Say something that is not the answer: on standard error, and not to programs."""
        if not self.is_json:
            from rich.text import Text

            self.console(stderr=True).print(Text(text))

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Print rows: a JSON list of objects, or aligned plain columns."""
        if self.is_json:
            print_line(json.dumps([dict(zip(columns, row, strict=True)) for row in rows]))
            return
        Table(columns).add(rows)


class Table:
    """Aligned columns of a table that may come page by page."""

    def __init__(self, names: Sequence[str]) -> None:
        self._columns = Columns(names, width_of(sys.stdout))
        self._named = False

    def add(self, rows: Sequence[Sequence[str]]) -> None:
        """Print *rows*, the names above the first ones."""
        lines = self._columns.lines([[cleaned(cell) for cell in row] for row in rows])
        if not self._named:
            self._named = True
            for line in self._columns.lines([self._columns.names]):
                _print_bold(line)
        for line in lines:
            print_line(line)


def _print_bold(line: str) -> None:
    if not output().is_live:
        print_line(line)
        return
    from rich.text import Text

    output().console().print(Text(line, "bold"), soft_wrap=True)


def print_line(line: str, *, width: int | None = None) -> None:
    """Print one line at once, so that a reader at the other end of a pipe can act on it.

    With a *width* in more than one, broken between words.
    """
    shown = cleaned(line)
    whole = [shown] if width is None else broken(shown, width)
    sys.stdout.write("\n".join(whole) + "\n")
    sys.stdout.flush()


def width_of(stream: TextIO) -> int | None:
    """Return how long a line may be where *stream* is a terminal, None where it is none."""
    return shutil.get_terminal_size().columns if stream.isatty() else None


_current: ContextVar[Output] = ContextVar("output")


def output() -> Output:
    """Return how this run was asked to print."""
    return _current.get(Output())


def choose(chosen: Format) -> None:
    """Set how this run prints."""
    _current.set(Output(chosen))
