"""The style rules no linter knows."""

import ast
import json
import os
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.places import REPOSITORY

PYPROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
PACKAGES: list[str] = PYPROJECT["tool"]["hatch"]["build"]["packages"]
CORE = {"contracts", "handlers"}
FILE_LINES_MAX = 300
FUNCTION_LINES_MAX = 40
VAGUE = {"base", "common", "core", "helpers", "manager", "misc", "service", "utils"}
UNIT = r"(SECOND|MINUTE|HOUR|DAY|WEEK|MONTH)_(MS|S)"
LIMIT = re.compile(rf"(?!{UNIT}$)[A-Z][A-Z0-9_]*_(MAX|MIN|MS|S|BYTES)")
LEFTOVER = re.compile(r"\b(T[O]DO|FIX[M]E)\b|#\s*X[X]X\b")
REGISTRY = re.compile(
    r"\b(pypi\.org|pythonhosted\.org|npmjs\.(org|com)|maven\.org|maven\.apache\.org"
    r"|crates\.io|proxy\.golang\.org|debian\.org)\b"
)
MACHINE_PATH = re.compile(r"(^|[^\w.])/(root|home|work|Users)/\w", re.MULTILINE)
DOCS = REPOSITORY / "docs"
NAMED_DOCUMENT = re.compile(r"[\w./-]*\w\.md\b")
SECTION = re.compile(r"\b[Ss]ection \d")
MADE_BY_TOOLS = {"__pycache__", "build", "dist", "node_modules", "target"}


def texts() -> Iterator[Path]:
    """Yield every text file of the repository, in or out of version control."""
    for folder, folders, names in os.walk(REPOSITORY):
        kept = [name for name in folders if name not in MADE_BY_TOOLS]
        folders[:] = sorted(name for name in kept if name == ".ci" or not name.startswith("."))
        for path in (Path(folder, name) for name in sorted(names)):
            if path.is_file() and b"\0" not in path.read_bytes():
                yield path


TEXTS = list(texts())
FILES = [path for path in TEXTS if path.suffix == ".py"]
every_package = pytest.mark.parametrize("package", PACKAGES)
LOCKS = sorted((REPOSITORY / "requirements").glob("*.txt"))
every_lock = pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.name)


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return how many lines it has besides its docstring."""
    assert function.end_lineno is not None
    docstring_lines = (ast.get_docstring(function) or "").count("\n") + 1
    return function.end_lineno - function.lineno + 1 - docstring_lines


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def constants(path: Path) -> Iterator[tuple[str, ast.stmt | None]]:
    """Yield the names a module assigns at its top, each with the statement that follows."""
    body = tree(path).body
    for node, after in zip(body, [*body[1:], None], strict=True):
        targets = node.targets if isinstance(node, ast.Assign) else []
        targets = [node.target] if isinstance(node, ast.AnnAssign) else targets
        yield from ((target.id, after) for target in targets if isinstance(target, ast.Name))


def is_text(node: ast.stmt | None) -> bool:
    match node:
        case ast.Expr(value=ast.Constant(value=str())):
            return True
        case _:
            return False


def package_of(path: Path) -> str:
    return path.relative_to(REPOSITORY).parts[0]


@every_package
def test_a_package_is_there_and_says_what_it_is(package: str) -> None:
    assert ast.get_docstring(tree(REPOSITORY / package / "__init__.py"))


@every_package
def test_the_rules_look_into_a_package(package: str) -> None:
    assert REPOSITORY / package / "__init__.py" in FILES


def such(paths: Iterable[Path], is_bad: Callable[[Path], object]) -> list[str]:
    """Return the names of the files that are bad; all at once, as one failure each takes longer."""
    return [str(path.relative_to(REPOSITORY)) for path in paths if is_bad(path)]


def test_a_file_says_what_it_is() -> None:
    assert such(FILES, lambda path: not is_text(next(iter(tree(path).body), None))) == []


def test_a_file_is_one_sitting() -> None:
    def is_long(path: Path) -> bool:
        return len(path.read_text().splitlines()) > FILE_LINES_MAX

    assert such(FILES, is_long) == []


def test_a_function_fits_one_screen() -> None:
    def has_long(path: Path) -> bool:
        return any(lines(function) > FUNCTION_LINES_MAX for function in functions(path))

    assert such(FILES, has_long) == []


def test_the_core_never_waits() -> None:
    def waits(path: Path) -> bool:
        return any(isinstance(node, ast.AsyncFunctionDef) for node in functions(path))

    assert such((path for path in FILES if package_of(path) in CORE), waits) == []


def test_a_limit_gives_its_reason() -> None:
    """In a docstring under it."""

    def has_bare(path: Path) -> bool:
        return any(LIMIT.fullmatch(name) and not is_text(after) for name, after in constants(path))

    assert such((path for path in FILES if package_of(path) in PACKAGES), has_bare) == []


def test_a_name_says_what_is_inside() -> None:
    assert such(FILES, lambda path: path.stem in VAGUE) == []


def test_a_class_name_means_one_thing() -> None:
    """In all of the product: private ones and those inside other classes count, too."""
    defined: dict[str, list[str]] = {}
    for path in FILES:
        if package_of(path) in PACKAGES:
            for node in ast.walk(tree(path)):
                if isinstance(node, ast.ClassDef):
                    place = f"{path.relative_to(REPOSITORY)}:{node.lineno}"
                    defined.setdefault(node.name.lstrip("_"), []).append(place)

    assert {name: places for name, places in defined.items() if len(places) > 1} == {}


def test_the_store_has_its_name_from_storage() -> None:
    """`storage.ports.STORE`, but where it is configured, or where `accounts dev` shows its servers."""

    def names_it(path: Path) -> bool:
        constants = (node for node in ast.walk(tree(path)) if isinstance(node, ast.Constant))
        return any(node.value == "mongodb" for node in constants)

    outside = {"workers", "client", "cli", "contract_docs"}
    looked_at = [path for path in FILES if package_of(path) in CORE | outside]
    assert such(looked_at, names_it) == ["cli/dev/screen.py"]


def test_nothing_is_mocked() -> None:
    def mocks(path: Path) -> bool:
        return any(re.match(r"(unittest\.)?mock\b|pytest_mock\b", name) for name in imports(path))

    assert such(FILES, mocks) == []


@pytest.mark.parametrize(
    "pattern",
    [
        pytest.param(LEFTOVER, id="left for later"),
        pytest.param(REGISTRY, id="a registry's name"),
        pytest.param(MACHINE_PATH, id="a path of one machine"),
        pytest.param(SECTION, id="a place in a document that is elsewhere"),
    ],
)
def test_no_text_holds_what_does_not_belong_there(pattern: re.Pattern[str]) -> None:
    assert such(TEXTS, lambda path: pattern.search(path.read_text())) == []


def test_a_document_that_is_named_is_there() -> None:
    def is_there(path: Path, name: str) -> bool:
        return any((folder / name).is_file() for folder in (REPOSITORY, DOCS, path.parent))

    def names_another(path: Path) -> bool:
        return any(not is_there(path, name) for name in NAMED_DOCUMENT.findall(path.read_text()))

    assert such(TEXTS, names_another) == []


@every_lock
def test_a_requirement_is_pinned_and_hashed(path: Path) -> None:
    requirements = path.read_text().replace("\\\n", " ").splitlines()

    assert requirements
    for requirement in requirements:
        assert re.fullmatch(
            r"[a-z0-9-]+==[^ ]+( ; .+?)?(\s+--hash=sha256:[0-9a-f]{64})+", requirement
        )


def test_an_npm_package_is_pinned_and_hashed() -> None:
    """And its lock has no address: from where it is installed is the reader's affair."""
    lock = (REPOSITORY / "package-lock.json").read_text()
    packages = {name: each for name, each in json.loads(lock)["packages"].items() if name}

    assert packages
    assert [name for name, each in packages.items() if "integrity" not in each] == []
    assert "://" not in lock
