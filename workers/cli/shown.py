"""How answers are printed: a line that says how it went and facts below it, or JSON."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, cast

from pydantic import BaseModel
from rich.text import Text

from contracts.message import rfc3339
from contracts.results import Error
from workers.cli.output import output, print_line

NAME_WIDTH = 12
"""Most names of facts fit, so that what they say stands below each other."""


def show(
    record: Mapping[str, Any], line: Text, facts: Iterable[tuple[str, str]], *, stderr: bool = False
) -> None:
    """Print *record* for programs; *line*, and *facts* by name below it, for people."""
    if output().is_json:
        output().record(record, "")
        return
    console = output().console(stderr=stderr)
    console.print(line)
    for name, value in facts:
        console.print(Text(f"  {name:<{NAME_WIDTH}}", "dim").append(value, "default"))


def accepted(what: str) -> Text:
    """Return a first line: it was done."""
    return Text("✓ accepted", "green").append(f"  {what}", "default")


def rejected(what: str) -> Text:
    """Return a first line: it was refused."""
    return Text("✗ rejected", "red").append(f"  {what}", "default")


def error_facts(error: Error) -> list[tuple[str, str]]:
    """Return why it was refused."""
    facts = [("code", error.code.value), ("reason", error.detail)]
    return facts + [(one.field, one.problem) for one in error.errors]


class Columns:
    """Plain columns of a table that comes page by page; they widen, and are never narrowed."""

    def __init__(self, names: Sequence[str]) -> None:
        self._waiting: Sequence[Sequence[str]] = [names]
        self._widths = [len(name) for name in names]

    def add(self, rows: Sequence[Sequence[str]]) -> None:
        """Print *rows*, the names above the first ones."""
        rows, self._waiting = [*self._waiting, *rows], ()
        for row in rows:
            self._widths = [
                max(width, len(cell)) for width, cell in zip(self._widths, row, strict=True)
            ]
        for row in rows:
            cells = (cell.ljust(width) for cell, width in zip(row, self._widths, strict=True))
            print_line("  ".join(cells).rstrip())


def as_json(message: BaseModel) -> dict[str, Any]:
    """Return *message* as the service publishes it: absent where there is nothing, times in UTC."""
    return _plain(message.model_dump(exclude_none=True, by_alias=True))


def _plain(value: Any) -> Any:
    match value:
        case dict():
            return {name: _plain(one) for name, one in cast("dict[str, Any]", value).items()}
        case list() | tuple():
            return [_plain(one) for one in cast("list[Any]", value)]
        case datetime():
            return rfc3339(value)
        case date():
            return value.isoformat()
        case _:
            return value
