"""The cache of Kafka's jars: verified every time, and nothing half there."""

import hashlib
import os
from pathlib import Path

import pytest

from devstack import downloads
from devstack.errors import DevStackError


def silent(_line: str) -> None:
    """Report nothing."""


@pytest.fixture
def warm(tmp_path: Path) -> Path:
    """Return a cache of links into the real one, which is filled if this is the first run."""
    jars = downloads.kafka_jars(downloads.default_cache(os.environ), silent)
    folder = tmp_path / jars[0].parent.name
    folder.mkdir()
    for jar in jars:
        (folder / jar.name).symlink_to(jar)
    return folder


@pytest.mark.parametrize(
    ("environ", "folder"),
    [
        ({}, Path.home() / ".cache" / "accounts-devstack"),
        ({"XDG_CACHE_HOME": ""}, Path.home() / ".cache" / "accounts-devstack"),
        ({"XDG_CACHE_HOME": "relative"}, Path.home() / ".cache" / "accounts-devstack"),
        ({"XDG_CACHE_HOME": "/somewhere"}, Path("/somewhere/accounts-devstack")),
    ],
)
def test_the_cache_is_where_users_keep_theirs(environ: dict[str, str], folder: Path) -> None:
    assert downloads.default_cache(environ) == folder


def test_a_warm_cache_needs_no_network(warm: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    reported: list[str] = []

    jars = downloads.kafka_jars(warm.parent, reported.append)

    assert len(jars) == len(list(warm.iterdir()))
    assert reported == []


def test_a_changed_jar_in_the_cache_is_refused(warm: Path) -> None:
    jar = next(warm.glob("kafka-clients-*"))
    content = jar.read_bytes()
    jar.unlink()
    jar.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))

    with pytest.raises(DevStackError, match=rf"{jar.name} has SHA-256 .*delete {warm}"):
        downloads.kafka_jars(warm.parent, silent)


def test_a_jar_put_into_the_cache_is_refused(warm: Path) -> None:
    (warm / "evil.jar").write_bytes(b"")

    with pytest.raises(DevStackError, match="unknown jar"):
        downloads.kafka_jars(warm.parent, silent)


def test_without_network_one_line_says_so_and_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    (tmp_path / "cache" / "partial-of-a-killed-process").mkdir(parents=True)
    reported: list[str] = []

    with pytest.raises(DevStackError, match="check the network") as failed:
        downloads.kafka_jars(tmp_path / "cache", reported.append)

    assert "docker compose up" in str(failed.value)
    assert "\n" not in str(failed.value)
    assert reported[0].startswith("downloading Kafka")
    assert [entry.name for entry in (tmp_path / "cache").iterdir()] == ["lock"]


def test_another_list_of_checksums_uses_another_folder(warm: Path) -> None:
    digest = warm.name.rpartition("-")[2]

    assert digest == downloads.fingerprint(downloads.checksums.read())
    assert digest != downloads.fingerprint({"a.jar": hashlib.sha256().hexdigest()})


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(DevStackError, match="cannot write to the cache"):
        downloads.kafka_jars(tmp_path / "file", silent)
