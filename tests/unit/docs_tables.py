"""Writes the tables of the documentation that follow from the code.

`python -m tests.unit.docs_tables`
"""

import ast
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module
from itertools import pairwise
from pathlib import Path

from contract_docs.clients import CLIENTS
from contract_docs.headers import OF_ANSWERS, READ, WRITTEN
from contracts.codes import Code
from contracts.headers import HEADER_LENGTH_MAX
from contracts.problems import Problem
from contracts.refusals import OF_REQUESTS_ALONE, REFUSALS
from contracts.topics import TOPICS
from tests.places import REPOSITORY
from workers.config.settings import PREFIX, load_settings
from workers.config.shown import shown

DOCS = REPOSITORY / "docs"
ACCESS = DOCS / "access.md"
CONFIGURATION = DOCS / "configuration.md"
ERRORS = DOCS / "errors.md"
LIMITS = DOCS / "limits.md"
MESSAGES = DOCS / "messages.md"
TOPICS_PAGE = DOCS / "topics.md"
NOWHERE = REPOSITORY / "tests"
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
        marks = (
            *of,
            info.recorded,
            info.depends_on_other_commands,
            info.dead_letter,
            info.retryable,
        )
        yield f"`{code}`", info.meaning, *("✓" if mark else "" for mark in marks)


def problems() -> Iterator[Sequence[str]]:
    yield "Problem", "Meaning"
    for problem in Problem:
        yield f"`{problem}`", problem.sentence


def topics() -> Iterator[Sequence[str]]:
    yield "Topic", "Key", "What", "Kept"
    for topic in TOPICS:
        kept = {
            "compact": "the latest per key",
            "delete": f"{topic.retention_ms // DAY_MS} days",
            "compact,delete": f"the latest per key, {topic.retention_ms // DAY_MS} days",
        }
        yield f"`accounts.{topic.name}`", topic.key, topic.purpose, kept[topic.cleanup]


def headers() -> Iterator[Sequence[str]]:
    yield "Header", "Read", "Written", "Characters", "What"
    for name in {**READ, **WRITTEN, **OF_ANSWERS}:
        what = READ.get(name) or WRITTEN.get(name) or OF_ANSWERS[name]
        longest = str(HEADER_LENGTH_MAX.get(name, ""))
        written = name in WRITTEN or name in OF_ANSWERS
        yield f"`{name}`", "✓" if name in READ else "", "✓" if written else "", longest, what


def clients() -> Iterator[Sequence[str]]:
    yield "Client", "Where nothing is set, it places a key by", "Set, to send", "Set, to read"
    yield from CLIENTS


def limits() -> Iterator[Sequence[str]]:
    """Yield every limit of the contract that is a number, with the reason under it."""
    yield "Limit", "Value", "Why"
    for path in sorted((REPOSITORY / "contracts").glob("*.py")):
        module = import_module(f"contracts.{path.stem}")
        for node, after in pairwise(ast.parse(path.read_text(encoding="utf-8")).body):
            match node, after:
                case (
                    ast.Assign(targets=[ast.Name(id=name)]),
                    ast.Expr(value=ast.Constant(value=str(why))),
                ) if name.endswith("_MAX") and isinstance(getattr(module, name), int):
                    yield f"`{name}`", f"{getattr(module, name):,}", " ".join(why.split())
                case _:
                    pass


TABLES: Mapping[Path, Mapping[str, Callable[[], Iterator[Sequence[str]]]]] = {
    CONFIGURATION: {"settings": settings},
    ERRORS: {"codes": codes, "problems": problems},
    LIMITS: {"limits": limits},
    MESSAGES: {"headers": headers, "clients": clients},
    TOPICS_PAGE: {"topics": topics},
}


def rendered(rows: Iterator[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [
        "| " + " | ".join(cell.replace("|", "\\|") for cell in row).replace("  ", " ") + " |"
        for row in rows
    ]
    columns = lines[0].count(" | ") + 1
    return "\n".join([lines[0], "|---" * columns + "|", *lines[1:]])


def with_tables(page: Path) -> str:
    """Return what *page* says, with every generated table as the code has it now."""
    text = page.read_text(encoding="utf-8")
    for name, rows in TABLES[page].items():
        begin, end = f"<!-- {name}: generated -->", f"<!-- {name}: end -->"
        place = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
        assert len(place.findall(text)) == 1, f"{page.name} has no place for the table of {name}"
        block = f"{begin}\n{rendered(rows())}\n{end}"
        text = place.sub(lambda _, block=block: block, text)
    return text


if __name__ == "__main__":
    for each in TABLES:
        each.write_text(with_tables(each), encoding="utf-8")
