"""Who may use a data folder."""

import json
import os
from pathlib import Path

import pytest

from devstack import folder
from devstack.errors import DevStackError

VERSIONS = {"kafka": "4", "mongodb": "6"}


def use_once(path: Path) -> None:
    os.close(folder.kept(path, VERSIONS).lock)


def test_a_new_one_is_made_and_can_be_used_again(tmp_path: Path) -> None:
    use_once(tmp_path / "new" / "data")
    use_once(tmp_path / "new" / "data")

    assert json.loads((tmp_path / "new" / "data" / folder.MARKER).read_text()) == VERSIONS


def test_one_of_another_version_is_refused(tmp_path: Path) -> None:
    use_once(tmp_path)

    with pytest.raises(DevStackError, match="written by kafka 4, mongodb 6, this is kafka 5"):
        folder.kept(tmp_path, {"kafka": "5", "mongodb": "6"})


def test_one_with_something_else_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.odt").write_text("")

    with pytest.raises(DevStackError, match="not empty"):
        folder.kept(tmp_path, VERSIONS)

    assert [entry.name for entry in tmp_path.iterdir()] == ["thesis.odt"]


def test_one_in_use_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "LOCK_WAIT_S", 0)
    used = folder.kept(tmp_path, VERSIONS)

    with pytest.raises(DevStackError, match="in use by another dev stack"):
        folder.kept(tmp_path, VERSIONS)

    os.close(used.lock)
    use_once(tmp_path)


def test_a_damaged_marker_is_an_error_in_words(tmp_path: Path) -> None:
    (tmp_path / folder.MARKER).write_text("{")

    with pytest.raises(DevStackError, match="choose another folder, or delete it"):
        folder.kept(tmp_path, VERSIONS)


def test_a_path_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(DevStackError, match=r"cannot use the data folder .*\(it is a file\)"):
        folder.kept(tmp_path / "file", VERSIONS)


def test_a_name_that_would_break_a_line_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DevStackError, match="line break"):
        folder.kept(tmp_path / "a\nb", VERSIONS)

    assert list(tmp_path.iterdir()) == []
