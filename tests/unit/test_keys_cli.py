"""`accounts keys`: what is made, what is listed, and that nothing private is printed."""

import json
from contextvars import copy_context
from pathlib import Path

import pytest
from typer.testing import CliRunner

from workers.cli.keys import keys_app
from workers.cli.output import Format, choose
from workers.keys import KeysError, read_keys


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)  # no settings file of this machine takes part
    monkeypatch.setenv("ACCOUNTS_KEYS_DIR", str(tmp_path / "keys"))
    return tmp_path / "keys"


def run(*arguments: str, form: Format = Format.TEXT) -> str:
    def inside() -> str:
        choose(form)
        return CliRunner().invoke(keys_app, list(arguments), catch_exceptions=False).output

    return copy_context().run(inside)


def test_new_makes_the_folder_and_a_key_and_names_it(folder: Path) -> None:
    said = run("new")

    (key,) = read_keys(folder)
    assert key.kid in said
    assert str(folder) in said


def test_new_says_it_to_programs(folder: Path) -> None:
    said = json.loads(run("new", form=Format.JSON))

    assert said["kid"] == read_keys(folder)[0].kid
    assert set(said) == {"kid", "created_at", "folder"}


def test_list_shows_what_is_published_and_what_is_retired(folder: Path) -> None:
    run("new")
    run("new")

    rows = json.loads(run("list", form=Format.JSON))

    newest, older = read_keys(folder)
    assert [row["kid"] for row in rows] == [newest.kid, older.kid]
    assert rows[0]["state"] == "published"
    assert rows[1]["state"] == f"retired {rows[0]['created_at']}"


def test_list_of_nothing_says_what_to_do(folder: Path) -> None:
    with pytest.raises(KeysError, match=r"accounts keys new"):
        run("list")

    assert not folder.exists()


def test_nothing_private_is_printed(folder: Path) -> None:
    said = run("new") + run("list") + run("new", form=Format.JSON) + run("list", form=Format.JSON)

    for path in folder.iterdir():
        assert json.loads(path.read_text())["d"] not in said
