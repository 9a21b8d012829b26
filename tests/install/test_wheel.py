"""What the service's wheel holds beside code: style sheet, templates, and the common passwords."""

from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.install.built import Built
from tests.places import REPOSITORY
from workers.credentials.password_gate import common_passwords


@pytest.fixture
def wheel(built: Built) -> Iterator[ZipFile]:
    with ZipFile(built.wheel("accounts")) as opened:
        yield opened


def test_it_holds_what_the_page_is_made_of(wheel: ZipFile) -> None:
    page = REPOSITORY / "contract_docs" / "page"
    parts = [*page.glob("templates/*.html"), page / "style.css", page / "script.js"]

    assert len(parts) > 1
    assert {str(path.relative_to(REPOSITORY)) for path in parts} <= set(wheel.namelist())


def test_it_holds_nothing_to_compare_the_contract_with(wheel: ZipFile) -> None:
    left_out = ("contracts/released/", "contract_docs/compatibility/")

    assert all((REPOSITORY / folder).is_dir() for folder in left_out)
    assert [name for name in wheel.namelist() if name.startswith(left_out)] == []


def test_it_holds_the_common_passwords_and_their_licence(wheel: ZipFile) -> None:
    """An editable installation, as `make install` makes it, is another wheel: both have them."""
    made = {Path(name).name: name for name in wheel.namelist() if "/extra_metadata/" in name}

    listed = wheel.read(made["common_passwords.txt"]).decode().splitlines()

    assert len(listed) == len(set(listed)) > 10_000
    assert frozenset(listed) == common_passwords()
    assert b"Permission is hereby granted" in wheel.read(made["common_passwords.LICENSE"])
