"""Lines of any length and ending, a bounded part of them in memory."""

from io import BytesIO

import pytest

from cli.moving.lines import LINE_BYTES_MAX, SKIPPED_BYTES_AT_ONCE, Line, Lines

LONG = b"x" * (LINE_BYTES_MAX + 1)


class CountingStream(BytesIO):
    """Remembers the most that was ever asked for."""

    most = 0

    def readline(self, size: int | None = -1, /) -> bytes:
        line = super().readline(size)
        self.most = max(self.most, len(line))
        return line


def read(text: bytes) -> list[Line]:
    return [*Lines(BytesIO(text)).take(100)]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (b"", []),
        (b"\n\r\n  \n", []),
        (b"a", [Line(1, b"a")]),
        (b"a\nb\n", [Line(1, b"a\n"), Line(2, b"b\n")]),
        (b"a\r\n\r\nb", [Line(1, b"a\r\n"), Line(3, b"b")]),
        (b"\xef\xbb\xbfa\n\xef\xbb\xbfb", [Line(1, b"a\n"), Line(2, b"\xef\xbb\xbfb")]),
        (b"a\n" + LONG + b"\nb", [Line(1, b"a\n"), Line(2, None), Line(3, b"b")]),
        (LONG, [Line(1, None)]),
        (LONG[:-1], [Line(1, LONG[:-1])]),
        (b"\xff\xfe\n", [Line(1, b"\xff\xfe\n")]),
    ],
)
def test_are_numbered_as_editors_count_them(text: bytes, lines: list[Line]) -> None:
    assert read(text) == lines


def test_come_as_many_as_are_asked_for() -> None:
    lines = Lines(BytesIO(b"a\n\nb\nc\n"))

    assert [len(lines.take(2)), len(lines.take(2)), len(lines.take(2))] == [2, 1, 0]
    assert lines.bytes_read == 7


def test_of_one_without_an_end_little_is_kept() -> None:
    stream = CountingStream(b"x" * (3 * SKIPPED_BYTES_AT_ONCE) + b"\nlast")

    assert [*Lines(stream).take(9)] == [Line(1, None), Line(2, b"last")]
    assert stream.most <= SKIPPED_BYTES_AT_ONCE
