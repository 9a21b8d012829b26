"""What others wrote is shown, and steers nothing: no terminal, no line, no order of reading."""

import json
import logging
from collections.abc import Callable

import pytest
from rich.text import Text

from cli import app
from cli.screen import shown
from cli.screen.output import CliError, Format, Output, Table, choose, output
from cli.screen.watched import Watched, line
from workers.monitoring.logs import TextFormatter
from workers.monitoring.redaction import UNPRINTABLE, cleaned

HOSTILE = {
    "escape": "\x1b[2J\x1b]0;title\x07",
    "8-bit escape": "\x9b31m",
    "line break": "a\nforged line",
    "carriage return": "a\rb",
    "NEL": "a\x85b",
    "line separator": "a\u2028b\u2029c",
    "right-to-left override": "\u202etxt.exe\u202c",
    "isolate": "\u2066a\u2069",
    "Arabic letter mark": "\u061c",
    "zero width": "al\u200bice\ufeff\u2060",
    "tags": "\U000e0041",
    "lone surrogate": "\ud800",
    "private use": "\ue000",
    "NUL and DEL": "\x00\x7f",
}


def _complain(text: str) -> None:
    assert app.complain(CliError(text)) == CliError(text).exit_code


WAYS: dict[str, Callable[[str], None]] = {
    "record": lambda text: output().record({}, text),
    "note": lambda text: output().note(text),
    "table": lambda text: output().table(["name"], [[text]]),
    "pages": lambda text: Table(["name"]).add([[text]]),
    "facts": lambda text: shown.show({}, Text(text), [("name", text)]),
    "console": lambda text: output().console().print(Text("✓ ", "green").append(text, "bold")),
    "error": _complain,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("form", [Format.AUTO, Format.TEXT])
@pytest.mark.parametrize("way", WAYS)
def test_text_that_was_read_is_printed_clean(
    capsys: pytest.CaptureFixture[str], way: str, form: Format, text: str
) -> None:
    choose(form)
    WAYS[way]("before")
    usual = "".join(capsys.readouterr())

    WAYS[way](text)

    found = "".join(capsys.readouterr())
    assert all(sign.isprintable() or sign == "\n" for sign in found), ascii(found)
    assert found.count("\n") == usual.count("\n"), "no line of its own"


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_table_on_a_terminal_is_clean(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    monkeypatch.setattr(Output, "is_live", True)

    Output().table(["name", "other"], [[text, "[red]kept[/red]"]])

    found = capsys.readouterr().out
    assert all(sign.isprintable() or sign == "\n" for sign in found), ascii(found)
    assert "[red]kept[/red]" in found


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_program_gets_all_of_it_as_json(capsys: pytest.CaptureFixture[str], text: str) -> None:
    choose(Format.JSON)

    output().record({"value": text})

    [written] = capsys.readouterr().out.splitlines()
    assert written.isascii()
    assert json.loads(written) == {"value": text}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_record_that_is_watched_is_one_clean_line(
    capsys: pytest.CaptureFixture[str], text: str
) -> None:
    body = {"action": text, "outcome": text, "code": text, "actor": text}
    watched = Watched(topic="audit", timestamp_ms=0, key=text, headers={}, body=body)

    Output(Format.TEXT).console().print(line(watched))

    found = capsys.readouterr().out
    assert found.count("\n") == 1
    assert found[:-1].isprintable()


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_log_line_is_one_clean_line(text: str) -> None:
    record = logging.LogRecord("accounts", logging.ERROR, "", 0, "user %s", (text,), None)

    assert TextFormatter().format(record).isprintable()


@pytest.mark.parametrize("text", ["", "plain", "Zoë Łuk 李 ✓ →", "a" * 5000])
def test_what_is_harmless_stays(text: str) -> None:
    assert cleaned(text) == text


def test_a_dot_stands_for_each_character() -> None:
    assert cleaned("a\x1b[1m\u202eb") == f"a{UNPRINTABLE}[1m{UNPRINTABLE}b"
