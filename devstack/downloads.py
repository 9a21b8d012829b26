"""Kafka's jars: fetched once through jgo, checked against our list, kept in the cache."""

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import jgo.maven
import requests

from devstack import checksums
from devstack.errors import DevStackError
from devstack.kafka import VERSION

KAFKA = f"org.apache.kafka:kafka_2.13:{VERSION}"
"""Resolved with all that it needs at run time."""

LOGGING = "org.apache.logging.log4j:log4j-slf4j-impl:2.25.5"
"""Alone: it makes Kafka's log visible. Resolved together with Kafka, its own managed versions
would replace Kafka's."""

ANSWER_MAX_S = 30
"""How long to wait for a registry before giving up."""

REPORT_EVERY_BYTES = 5_000_000
"""How often to say how far the download is: about ten lines in all."""


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
    folder = cache / f"kafka-{VERSION}-{_fingerprint(expected)}"
    if not folder.is_dir():
        with _only_one(cache, progress):
            if not folder.is_dir():
                _download(folder, expected, progress)
    jars = sorted(folder.iterdir())
    checksums.require_exact(jars, expected, f"delete {folder} to download it again")
    return jars


def _fingerprint(expected: Mapping[str, str]) -> str:
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
        try:
            jars = _fetch(Path(scratch) / "repository", len(expected), progress)
            complete = Path(scratch) / "jars"
            complete.mkdir()
            for jar in jars:
                jar.rename(complete / jar.name)
        except (requests.RequestException, RuntimeError, OSError) as error:
            raise DevStackError(
                f"cannot download Kafka's jars ({_first_line(error)}): check the network and start "
                'again, or use "docker compose up" instead'
            ) from error
        checksums.require_exact(complete.iterdir(), expected, "nothing was kept, start again")
        os.rename(complete, folder)  # noqa: PTH104 - atomic, and says so
    progress(f"Kafka {VERSION} is there, every jar verified by SHA-256")


def _fetch(repository: Path, count: int, progress: Callable[[str], None]) -> Iterator[Path]:
    """Resolve and download jar by jar, into a Maven repository of our own."""
    resolver = jgo.maven.PythonResolver()
    maven = jgo.maven.MavenContext(
        resolver=resolver, repo_cache=repository, local_repos=[], timeout=ANSWER_MAX_S
    )
    progress("  looking up what Kafka needs")
    inputs, needed = resolver.resolve([maven.create_dependency(KAFKA)])
    running = [found for found in needed if found.scope in ("compile", "runtime")]
    artifacts = [found.artifact for found in (*inputs, *running)]
    artifacts.append(maven.create_dependency(LOGGING).artifact)
    done = reported = 0
    for number, artifact in enumerate(artifacts, start=1):
        jar = artifact.resolve()
        done += jar.stat().st_size
        yield jar
        if done - reported >= REPORT_EVERY_BYTES or number == len(artifacts):
            reported = done
            progress(f"  {number} of {count} jars, {done / 1e6:.0f} MB")


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0] or type(error).__name__
