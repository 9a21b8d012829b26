"""What docs/architecture.md and docs/glossary.md say of the code is so."""

import ast
import asyncio
import re
import sys
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import FrameType

import pytest

from contracts.topics import DEPOSIT
from tests.builders import NOON, an_account
from tests.places import REPOSITORY
from tests.ports.written import write
from tests.unit.raw import DEPOSIT_BODY, a_raw
from tests.unit.workers.ledger.engine_in_memory import EngineInMemory

ARCHITECTURE = REPOSITORY / "docs/architecture.md"
GLOSSARY = REPOSITORY / "docs/glossary.md"
WORDS_MAX = 2000
"""Of the architecture, its pictures left out: half an hour's reading."""

PRODUCT = ("contracts", "handlers", "storage", "workers", "client", "cli", "contract_docs")
STANDS_IN = re.compile(r"storage/memory/\w+\.py")
"""For MongoDB, in this test."""

each_page = pytest.mark.parametrize("page", [ARCHITECTURE, GLOSSARY], ids=lambda page: page.name)


def files_in(text: str) -> set[str]:
    """Return every path of a file that *text* names, in pictures too."""
    return set(re.findall(rf"\b(?:{'|'.join(PRODUCT)}|tests)/[\w/]+\.\w+", text))


def rows() -> Iterator[tuple[str, str, str]]:
    """Yield word, meaning and place of each row of the glossary."""
    for line in GLOSSARY.read_text(encoding="utf-8").splitlines():
        if match := re.fullmatch(r"\| (.+?) \| (.+) \| (.+?) \|", line):
            yield match[1], match[2], match[3]


@cache
def defined_in(path: str) -> set[str]:
    """Return what is defined in a file: names at its top, and of its classes `Class.name`."""
    return set(_defined(ast.parse((REPOSITORY / path).read_text(encoding="utf-8")).body))


def _defined(body: Sequence[ast.stmt], prefix: str = "") -> Iterator[str]:
    for node in body:
        match node:
            case ast.ClassDef(name=name):
                yield prefix + name
                yield from _defined(node.body, f"{prefix}{name}.")
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield prefix + name
            case ast.AnnAssign(target=ast.Name(id=name)):
                yield prefix + name
            case ast.Assign(targets=targets):
                yield from (prefix + each.id for each in targets if isinstance(each, ast.Name))
            case _:
                pass


@cache
def classes() -> Mapping[str, set[str]]:
    """Return each class of the product, and what is defined in any class of that name."""
    found: dict[str, set[str]] = {}
    for package in PRODUCT:
        for path in sorted((REPOSITORY / package).rglob("*.py")):
            for name in defined_in(str(path.relative_to(REPOSITORY))):
                owner, _, inside = name.partition(".")
                if re.match(r"[A-Z][a-z]", owner):
                    found.setdefault(owner, set()).add(inside)
    return found


@each_page
def test_a_file_is_there(page: Path) -> None:
    named = files_in(page.read_text(encoding="utf-8"))

    assert named
    assert [name for name in sorted(named) if not (REPOSITORY / name).is_file()] == []


@each_page
def test_a_class_is_there(page: Path) -> None:
    named = re.findall(r"`([A-Z][a-z]\w*)(?:\.(\w+))?`", page.read_text(encoding="utf-8"))

    assert named
    assert [
        (name, inside) for name, inside in named if inside not in classes().get(name, set())
    ] == []


def test_the_architecture_is_read_in_half_an_hour() -> None:
    text = re.sub(r"```.*?```", "", ARCHITECTURE.read_text(encoding="utf-8"), flags=re.DOTALL)
    words = [word for word in text.split() if re.search(r"\w", word)]

    assert len(words) <= WORDS_MAX


def test_a_word_stands_where_it_is_looked_for() -> None:
    words = [word for word, _, _ in rows()][1:]

    assert words
    assert words == sorted(words, key=str.casefold)


def test_a_word_is_defined_where_the_glossary_says() -> None:
    wrong: list[tuple[str, str]] = []
    for word, _, place in rows():
        files = files_in(place)
        known = set[str]().union(*(defined_in(file) for file in files if file.endswith(".py")))
        named = set(re.findall(r"`([\w.]+)`", place)) - files
        wrong += [(word, name) for name in named - known]

    assert wrong == []


@contextmanager
def crossed() -> Generator[set[str]]:
    """Note the files of the product in which any function is called."""
    files = set[str]()

    def note(frame: FrameType, event: str, _: object) -> None:
        path = Path(frame.f_code.co_filename)
        if event == "call" and path.is_relative_to(REPOSITORY):
            files.add(str(path.relative_to(REPOSITORY)))

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        yield files
    finally:
        sys.setprofile(before)
    files -= {file for file in files if not file.startswith(PRODUCT) or STANDS_IN.match(file)}


async def test_each_file_that_a_deposit_crosses_has_its_reason() -> None:
    in_memory = EngineInMemory()
    account = an_account()
    await write(in_memory.ledger, accounts=[account])
    await in_memory.ledger.sign_off(account.writer, at=NOON)

    with crossed() as files:
        await in_memory.take(a_raw(DEPOSIT_BODY, DEPOSIT))
        await in_memory.idle_until(lambda: in_memory.consumer.commits)
        await asyncio.sleep(0)

    assert [status for _, status in in_memory.answered()] == ["accepted"]
    assert len(files) > 30, "the way was not seen"
    assert files - files_in(ARCHITECTURE.read_text(encoding="utf-8")) == set()
