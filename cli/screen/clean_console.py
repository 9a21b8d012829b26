"""What is drawn for people, cleaned: much of it was read from Kafka or the store, where others write.

Apart from `cli.screen.output`, because only what draws needs rich.
"""

import re
from collections.abc import Iterable
from typing import Any

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text
from typing_extensions import override

from workers.monitoring.redaction import cleaned

ROOM_MIN = 30
"""Characters: in less, a text beside a label would be a column of single words."""


WORD = re.compile(r"\S+")


class CleanConsole(Console):
    """Prints lines as they are meant, whoever wrote what stands in them."""

    @override
    def print(self, *objects: Any, **options: Any) -> None:
        """Print *objects*, each text among them as one clean line, broken between words alone."""
        if len(objects) == 1 and isinstance(objects[0], Text) and not options:
            self.beside(Text(" " * _indent(objects[0].plain)), objects[0])
        else:
            super().print(*map(_clean, objects), **options)

    def beside(self, label: Text, said: Text) -> None:
        """Print *said* behind *label*; lines that it needs besides stand below its first one."""
        before, rest = _clean(label), _clean(said)
        rest = rest[_indent(rest.plain) :]
        if self.soft_wrap:
            super().print(before + rest)
            return
        room = max(self.width - before.cell_len, ROOM_MIN)
        for line in _lines(rest, room):
            # Not folded: a word that is longer than a line stays whole, to be copied.
            super().print(before + line, soft_wrap=True)
            before = Text(" " * before.cell_len)


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _lines(text: Text, width: int) -> Iterable[Text]:
    """Return *text* in lines of at most *width* cells, or of a single word."""
    breaks = [0]
    for word in WORD.finditer(text.plain):
        if word.start() > breaks[-1] and cell_len(text.plain[breaks[-1] : word.end()]) > width:
            breaks.append(word.start())
    for line in text.divide(breaks[1:]):
        line.rstrip()
        yield line


def _clean(shown: Any) -> Any:
    match shown:
        case str():
            return cleaned(shown)
        case Text():
            clean = shown.copy()
            clean.plain = cleaned(shown.plain)
            return clean
        case _:
            return shown
