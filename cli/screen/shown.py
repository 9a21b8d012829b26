"""How answers are printed: a line that says how it went and facts below it, or JSON."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any, cast

from pydantic import BaseModel
from rich.text import Text

from cli.screen.output import output
from contracts.message import rfc3339
from contracts.results import Error

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
        console.beside(Text(f"  {name:<{NAME_WIDTH}}", "dim"), Text(value))


def accepted(what: str) -> Text:
    """Return a first line: it was done."""
    return Text("✓ accepted", "green").append(f"  {what}", "default")


def rejected(what: str) -> Text:
    """Return a first line: it was refused."""
    return Text("✗ rejected", "red").append(f"  {what}", "default")


def error_facts(error: Error) -> list[tuple[str, str]]:
    """Return why it was refused."""
    facts = [("code", error.code), ("reason", error.detail)]
    return facts + [(one.field, one.problem) for one in error.errors]


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
