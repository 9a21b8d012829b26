"""The jars of examples/java: those that its pom.xml names, each checked against our list.

    python -m tests.foreign_clients.jars > java_jars.sha256

writes the list anew after a change of pom.xml.
"""

import hashlib
import os
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from devstack import checksums
from devstack.downloads import default_cache, fingerprint, kafka_jars
from tests.places import REPOSITORY

POM = REPOSITORY / "examples" / "java" / "pom.xml"
OURS = Path(__file__).with_name("java_jars.sha256")
ANSWER_MAX_S = 30


def java_jars() -> list[Path]:
    """Return the class path: what Kafka has too from there, the rest downloaded once.

    Raises:
        DevStackError: A jar is another one than that of our list, or there is no network.
    """
    cache, expected = default_cache(os.environ), checksums.read(OURS)
    shared = [jar for jar in kafka_jars(cache, print) if jar.name in expected]
    missing = {name: digest for name, digest in expected.items() if name not in names(shared)}
    folder = cache.absolute() / f"examples-java-{fingerprint(missing)}"
    if not folder.is_dir():
        _download(folder, missing)
    jars = [*shared, *sorted(folder.iterdir())]
    checksums.require_exact(jars, expected, f"delete {folder} to download it again")
    return jars


def names(jars: Iterable[Path]) -> set[str]:
    """Return what the files are called."""
    return {jar.name for jar in jars}


def _download(folder: Path, missing: dict[str, str]) -> None:
    with tempfile.TemporaryDirectory(prefix="partial-java-", dir=folder.parent) as scratch:
        complete = Path(scratch) / "jars"
        complete.mkdir()
        for jar in _resolved(Path(scratch) / "repository", missing.keys()):
            jar.rename(complete / jar.name)
        checksums.require_exact(complete.iterdir(), missing, "nothing was kept, start again")
        os.rename(complete, folder)  # noqa: PTH104 - atomic: whoever comes second replaces nothing


def _resolved(repository: Path, wanted: Collection[str] | None) -> Iterator[Path]:
    """Download what pom.xml asks for: those of these names, or all."""
    import jgo.maven  # noqa: PLC0415 - slow to import, and needed once

    resolver = jgo.maven.PythonResolver()
    maven = jgo.maven.MavenContext(
        resolver=resolver, repo_cache=repository, local_repos=[], timeout=ANSWER_MAX_S
    )
    inputs, needed = resolver.resolve([maven.create_dependency(one) for one in coordinates()])
    running = [found for found in needed if found.scope in ("compile", "runtime")]
    for artifact in (found.artifact for found in (*inputs, *running)):
        if wanted is None or artifact.filename in wanted:
            yield artifact.resolve()


def coordinates() -> list[str]:
    """Return what pom.xml names, as `group:artifact:version`."""
    listed = ET.parse(POM).getroot().iterfind("dependencies/dependency")
    return [
        ":".join(each.findtext(name, "") for name in ("groupId", "artifactId", "version"))
        for each in listed
    ]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        downloaded = sorted(_resolved(Path(temporary), None), key=lambda jar: jar.name)
        listed = [
            f"{hashlib.sha256(jar.read_bytes()).hexdigest()}  {jar.name}" for jar in downloaded
        ]
    sys.stdout.write("\n".join([*listed, ""]))
