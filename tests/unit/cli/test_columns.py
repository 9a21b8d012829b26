"""Tables and texts in a terminal that is too narrow: broken between cells and words alone."""

import io
import re
from pathlib import Path

import pytest
from rich.text import Text

from cli.screen.clean_console import CleanConsole
from cli.screen.columns import Columns, broken
from cli.screen.output import Table

WIDTH = 40
NAMES = ("topic", "kind", "partitions", "settings")
ROW = (
    "accounts.commands.deposit",
    "command",
    "12",
    "cleanup.policy=delete, retention.ms=604800000",
)
URI = "mongodb://127.0.0.1:27017/?replicaSet=dev&directConnection=true"


def printed(label: str, said: str, *, width: int | None) -> list[str]:
    file = io.StringIO()
    CleanConsole(file=file, width=width, soft_wrap=width is None).beside(Text(label), Text(said))
    return [line.rstrip() for line in file.getvalue().splitlines()]


class TestColumns:
    def test_stand_in_one_line_where_there_is_room(self) -> None:
        columns = Columns(NAMES, None)

        [line] = columns.lines([ROW])

        assert re.split(" {2,}", line) == [*ROW]

    def test_go_on_below_where_there_is_none_all_rows_alike(self) -> None:
        columns = Columns(NAMES, WIDTH)

        rows = columns.lines([ROW, ("t", "k", "1", "s=1")])

        assert columns.lines([NAMES]) + rows == [
            "topic                      kind",
            "    partitions",
            "    settings",
            "accounts.commands.deposit  command",
            "    12",
            "    cleanup.policy=delete,",
            "    retention.ms=604800000",
            "t                          k",
            "    1",
            "    s=1",
        ]

    def test_one_stray_cell_breaks_its_row_alone(self) -> None:
        columns = Columns(("setting", "value", "source"), WIDTH)

        rows = columns.lines([*[("partitions", "12", "default")] * 10, ("uri", URI, "file")])

        assert columns.lines([columns.names]) == ["setting     value  source"]
        assert rows[9:] == ["partitions  12     default", "uri", f"    {URI}", "    file"]

    def test_leave_out_lines_without_anything(self) -> None:
        assert Columns(NAMES, WIDTH).lines([(ROW[0], "missing", "", "")]) == [
            "accounts.commands.deposit  missing"
        ]

    def test_print_the_names_once_and_widen(self, capsys: pytest.CaptureFixture[str]) -> None:
        table = Table(("a", "b"))

        table.add([("1", "x")])
        table.add([("1000", "y")])
        table.add([("2", "z")])

        assert capsys.readouterr().out.splitlines() == ["a  b", "1  x", "1000  y", "2     z"]


class TestBroken:
    def test_a_line_goes_on_between_words_as_far_in_as_it_began(self) -> None:
        assert broken("  one two three four", 10) == ["  one two", "  three", "  four"]

    def test_a_word_that_is_too_long_stays_whole(self) -> None:
        path = str(Path("/", *["folder"] * 10))

        assert broken(f"see {path} please", WIDTH) == ["see", path, "please"]


class TestBeside:
    def test_what_is_said_stands_below_itself(self) -> None:
        assert printed("name  ", "one two three four five six seven", width=WIDTH) == [
            "name  one two three four five six seven"
        ]
        assert printed("name  ", "one two three four five six seven eight", width=WIDTH) == [
            "name  one two three four five six seven",
            "      eight",
        ]

    def test_an_address_stays_whole(self) -> None:
        assert printed("name  ", f"{URI}  database accounts", width=WIDTH) == [
            f"name  {URI}",
            "      database accounts",
        ]

    def test_a_pipe_gets_one_line(self) -> None:
        assert printed("name  ", "many words " * 20, width=None) == [
            f"name  {'many words ' * 20}".rstrip()
        ]
