"""Kafka's jars: fetched once through jgo, checked against our list, kept in the cache."""

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from devstack import checksums, wheels
from devstack.errors import DevStackError
from devstack.kafka import VERSION


def default_cache(environ: Mapping[str, str]) -> Path:
    """Return the folder for downloads, as the XDG base directory specification says."""
    chosen = environ.get("XDG_CACHE_HOME", "")
    caches = Path(chosen) if Path(chosen).is_absolute() else Path.home() / ".cache"
    return caches / "accounts-devstack"


def kafka_jars(cache: Path, progress: Callable[[str], None]) -> list[Path]:
    """Return Kafka's class path, downloading it the first time; every jar is hashed every time.

    Nothing is ever half there: the folder appears under its name, which stands for the exact list
    of checksums, when it is complete and verified. Processes that start at once wait for the first.

    Raises:
        DevStackError: No network, no room, or a jar that is not on our list.
    """
    expected = checksums.read()
    folder = cache.absolute() / f"kafka-{VERSION}-{fingerprint(expected)}"
    if not folder.is_dir():
        with _only_one(cache, progress):
            if not folder.is_dir():
                _download(folder, expected, progress)
    jars = sorted(folder.iterdir())
    checksums.require_exact(jars, expected, f"delete {folder} to download it again")
    return jars


def fingerprint(expected: Mapping[str, str]) -> str:
    """Return a short name for a list of checksums."""
    lines = "".join(f"{digest} {name}\n" for name, digest in sorted(expected.items()))
    return hashlib.sha256(lines.encode()).hexdigest()[:12]


@contextmanager
def _only_one(cache: Path, progress: Callable[[str], None]) -> Generator[None]:
    """Hold the cache's lock; the kernel gives it back however this process ends."""
    try:
        cache.mkdir(parents=True, exist_ok=True)
        lock = (cache / "lock").open("w", encoding="utf-8")
    except OSError as error:
        raise DevStackError(f"cannot write to the cache {cache} ({error.strerror})") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress(f"another process is downloading Kafka to {cache}, waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _download(folder: Path, expected: Mapping[str, str], progress: Callable[[str], None]) -> None:
    for abandoned in folder.parent.glob("partial-*"):  # we hold the lock: nobody works on it
        shutil.rmtree(abandoned, ignore_errors=True)
    progress(f"downloading Kafka {VERSION} once: {len(expected)} jars, about 45 MB, to {folder}")
    with tempfile.TemporaryDirectory(prefix="partial-", dir=folder.parent) as scratch:
        complete = Path(scratch) / "jars"
        complete.mkdir()
        for jar in _fetch(Path(scratch) / "repository", len(expected), progress):
            jar.rename(complete / jar.name)
        checksums.require_exact(complete.iterdir(), expected, "nothing was kept, start again")
        os.rename(complete, folder)  # noqa: PTH104 - atomic, and says so
    progress(f"Kafka {VERSION} is there, every jar verified by SHA-256")


def _fetch(repository: Path, count: int, progress: Callable[[str], None]) -> Iterator[Path]:
    try:
        from devstack import maven  # noqa: PLC0415 - slow to import, and needed once
    except ModuleNotFoundError:
        raise DevStackError(f"the wheel jgo is not installed: {wheels.INSTALL}") from None
    return maven.fetch(repository, count, progress)
