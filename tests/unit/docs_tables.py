"""Writes the tables of README.md that follow from the code: `python -m tests.unit.docs_tables`."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from contracts.codes import Code
from contracts.refusals import OF_REQUESTS_ALONE, REFUSALS
from contracts.topics import TOPICS
from workers.config import PREFIX, load_settings
from workers.config_shown import shown

ROOT = Path(__file__).parent.parent.parent
README = ROOT / "README.md"
NOWHERE = ROOT / "tests"
"""A folder in which no dev stack runs, so that only the defaults are shown."""

DAY_MS = 24 * 3600 * 1000


def settings() -> Iterator[Sequence[str]]:
    yield "Variable", "Default", "What"
    for one in shown(load_settings({}, NOWHERE)):
        yield f"`{PREFIX}{one.name.upper()}`", f"`{one.value}`" if one.value else "", one.about


def codes() -> Iterator[Sequence[str]]:
    answered = {code for codes in REFUSALS.values() for code in codes}
    yield "Code", "Meaning", "Commands", "Requests", "Final", "Waits", "Dead letter", "Retry"
    for code in Code:
        info = code.info
        of = (code not in OF_REQUESTS_ALONE, code in answered)
        marks = (*of, info.recorded, info.liftable, info.dead_letter, info.retryable)
        yield f"`{code}`", info.meaning, *("✓" if mark else "" for mark in marks)


def topics() -> Iterator[Sequence[str]]:
    yield "Topic", "Key", "What", "Kept"
    for topic in TOPICS:
        kept = {
            "compact": "the latest per key",
            "delete": f"{topic.retention_ms // DAY_MS} days",
            "compact,delete": f"the latest per key, {topic.retention_ms // DAY_MS} days",
        }
        yield f"`accounts.{topic.name}`", topic.key, topic.purpose, kept[topic.cleanup]


TABLES = {"settings": settings, "codes": codes, "topics": topics}


def rendered(rows: Iterator[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [
        "| " + " | ".join(cell.replace("|", "\\|") for cell in row).replace("  ", " ") + " |"
        for row in rows
    ]
    columns = lines[0].count(" | ") + 1
    return "\n".join([lines[0], "|---" * columns + "|", *lines[1:]])


def with_tables(text: str) -> str:
    """Return *text* with every generated table as the code has it now."""
    for name, rows in TABLES.items():
        begin, end = f"<!-- {name}: generated -->", f"<!-- {name}: end -->"
        place = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
        assert len(place.findall(text)) == 1, f"README.md has no place for the table of {name}"
        block = f"{begin}\n{rendered(rows())}\n{end}"
        text = place.sub(lambda _, block=block: block, text)
    return text


if __name__ == "__main__":
    README.write_text(with_tables(README.read_text(encoding="utf-8")), encoding="utf-8")
