"""How each of the foreign programs is built, and what starts it."""

import fcntl
import importlib.util
import os
import sys
import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from devstack.downloads import default_cache
from tests.foreign_clients.jars import java_jars
from tests.generated_models.languages import NODE, NPM_PACKAGES, REQUIRED, need, run
from tests.places import REPOSITORY

EXAMPLES = REPOSITORY / "examples"
GO_PINNED = {"GOFLAGS": "-mod=readonly -buildvcs=false", "GOTOOLCHAIN": "local", "GOWORK": "off"}
"""What go.sum says and nothing else."""
AHEAD = "CLOCK_AHEAD_S"
"""Set where the clock of all programs is ahead."""
GO_QUICKLY = ["-gcflags=all=-N -l", "-ldflags=-s -w"]
"""Without optimizing: it takes two thirds of the CPU time where nothing was compiled before."""
JAVA_QUICKLY = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]
"""For programs that end in seconds."""

_java_is_compiled_once = threading.Lock()


@contextmanager
def one_at_a_time(what: str) -> Generator[None]:
    """Wait for whoever builds it already, whose caches then have it; the kernel ends the waiting."""
    cache = default_cache(os.environ)
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / f"examples-{what}.lock").open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def confluent(folder: Path) -> Sequence[str | Path]:
    """Return Python's, for which there is nothing to build."""
    del folder
    if importlib.util.find_spec("confluent_kafka") is None:
        assert REQUIRED not in os.environ, "confluent-kafka is not here"
        pytest.skip("confluent-kafka is not here")
    return [sys.executable, EXAMPLES / "confluent" / "shop.py"]


def go(folder: Path) -> Sequence[str | Path]:
    """Compile with the modules that go.sum names."""
    need("go")
    if AHEAD in os.environ:
        pytest.skip("Go reads the clock by itself, so that tests/later.c cannot set it ahead")
    program = folder / "shop-go"
    source = EXAMPLES / "go"
    words = ["go", "build", *GO_QUICKLY, "-o", program, "."]
    with one_at_a_time("go"):
        run(*words, folder=source, environment=GO_PINNED)
    return [program]


def java(folder: Path) -> Sequence[str | Path]:
    """Compile both of Java's, and start the one on kafka-clients."""
    return _java(folder, "shop.Shop")


def node(folder: Path) -> Sequence[str | Path]:
    """Return Node's, for which there is nothing to build."""
    del folder
    need(NPM_PACKAGES / "kafkajs", NPM_PACKAGES / "jose")
    return [*NODE, EXAMPLES / "node" / "shop.mjs"]


def spring(folder: Path) -> Sequence[str | Path]:
    """Compile both of Java's, and start the one on spring-kafka."""
    return _java(folder, "shop.SpringShop")


def _java(folder: Path, main: str) -> Sequence[str | Path]:
    need("javac", "java")
    classes = folder / "classes"
    with _java_is_compiled_once:
        with one_at_a_time("java"):
            path = os.pathsep.join(map(str, java_jars()))
        if not classes.is_dir():
            sources = sorted((EXAMPLES / "java").rglob("*.java"))
            options = ["--release", "17", "-Xlint:all,-processing,-classfile", "-Werror"]
            run("javac", *options, "-cp", path, "-d", classes, *sources, folder=folder)
    return ["java", *JAVA_QUICKLY, "-cp", f"{classes}{os.pathsep}{path}", main]


PROGRAMS: Mapping[str, Callable[[Path], Sequence[str | Path]]] = {
    "confluent": confluent,
    "go": go,
    "java": java,
    "node": node,
    "spring": spring,
}
"""Each builds in a folder and returns the words that start it; what it says ends with its name."""
