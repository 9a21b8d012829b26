"""The check of every jar against the committed list."""

import hashlib
import re
from pathlib import Path

import pytest

from devstack import checksums
from devstack.errors import DevStackError
from devstack.kafka import VERSION

EXPECTED = {name: hashlib.sha256(name.encode()).hexdigest() for name in ("a.jar", "b.jar")}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in EXPECTED:
        (tmp_path / name).write_text(name)
    return tmp_path


def check(folder: Path) -> None:
    checksums.require_exact(folder.iterdir(), EXPECTED, "start again")


def test_the_exact_set_passes(folder: Path) -> None:
    check(folder)


def test_one_changed_byte_is_refused(folder: Path) -> None:
    (folder / "b.jar").write_text("b.jaR")

    with pytest.raises(DevStackError, match=r"b\.jar has SHA-256 .* expected .*start again"):
        check(folder)


def test_an_unknown_jar_is_refused(folder: Path) -> None:
    (folder / "c.jar").write_text("c.jar")

    with pytest.raises(DevStackError, match=r"unknown jar .*c\.jar"):
        check(folder)


def test_a_missing_jar_is_refused(folder: Path) -> None:
    (folder / "a.jar").unlink()

    with pytest.raises(DevStackError, match=r"a\.jar is missing"):
        check(folder)


def test_the_committed_list_names_this_kafka_and_its_log() -> None:
    expected = checksums.read()

    assert f"kafka_2.13-{VERSION}.jar" in expected
    assert any(name.startswith("log4j-slf4j-impl-") for name in expected)
    assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in expected.values())
