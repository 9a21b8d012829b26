"""What is drawn for people, cleaned: much of it was read from Kafka or MongoDB, where others write.

Apart from `workers.cli.output`, because only what draws needs rich.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text
from typing_extensions import override

from workers.redaction import cleaned


class CleanConsole(Console):
    """Prints lines as they are meant, whoever wrote what stands in them."""

    @override
    def print(self, *objects: Any, **options: Any) -> None:
        """Print *objects*, each text among them as one clean line."""
        super().print(*map(_clean, objects), **options)


def draw_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Draw *rows* under *columns*; nothing in a cell is markup."""
    drawn = Table(*columns, header_style="bold")
    for row in rows:
        drawn.add_row(*map(Text, map(cleaned, row)))
    Console(highlight=False).print(drawn)


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
