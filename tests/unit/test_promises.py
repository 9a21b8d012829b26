"""What is promised is listed once, and shown by tests that name it."""

import re

import pytest

from tests.places import REPOSITORY
from tests.unit.docs_tables import DOCS

PROMISES = (*range(1, 14), 18)
"""Their numbers; those between belong to what is not there yet."""
PAGE = DOCS / "promises.md"
README = REPOSITORY / "README.md"
FOLDERS = [path for path in REPOSITORY.iterdir() if path.is_dir()]
CODE = [
    path
    for folder in FOLDERS
    if folder.name not in {".venv", "node_modules"}
    for path in folder.rglob("*.py")
]


def test_the_readme_has_the_promises_by_their_names() -> None:
    named = r"(P\d+)\W+(\w[^*.:]+)"

    short = re.findall(rf"^\* {named}", README.read_text(encoding="utf-8"), re.MULTILINE)
    full = re.findall(rf"^\| {named}", PAGE.read_text(encoding="utf-8"), re.MULTILINE)

    assert short == full
    assert len(full) == len(PROMISES)


@pytest.mark.parametrize("number", PROMISES)
def test_a_promise_is_shown_by_tests_that_name_it(number: int) -> None:
    [row] = re.findall(rf"^\| P{number} \|.*$", PAGE.read_text("utf-8"), re.MULTILINE)
    files = re.findall(r"`(tests/[\w./]+)`", row)

    assert files, f"P{number} names no test"
    for name in files:
        assert re.search(rf"\bP{number}\b", (REPOSITORY / name).read_text()), (
            f"{name} shows P{number}?"
        )


def test_a_promise_that_is_named_is_listed() -> None:
    """Comments and tests name promises by number: this page says what each is."""
    listed = re.findall(r"^\| P(\d+) \|", PAGE.read_text("utf-8"), re.MULTILINE)
    texts = [*CODE, *REPOSITORY.glob("*.md"), *DOCS.rglob("*.md")]
    named = {
        number
        for path in texts
        for number in re.findall(r"\bP(\d+)\b", path.read_text(encoding="utf-8"))
    }

    assert listed == [str(number) for number in PROMISES]
    assert named <= {*listed}
