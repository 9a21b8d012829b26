"""Kafka and all that it needs, from a Maven repository, through jgo."""

from collections.abc import Callable, Iterator
from pathlib import Path

import jgo.maven
import requests

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


def fetch(repository: Path, count: int, progress: Callable[[str], None]) -> Iterator[Path]:
    """Resolve and download jar by jar into a repository of our own, reporting how far it is.

    Nothing is verified here.

    Raises:
        DevStackError: The registry cannot be reached, or answers badly.
    """
    try:
        yield from _jars(repository, count, progress)
    except (requests.RequestException, RuntimeError, OSError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise DevStackError(
            f"cannot download Kafka's jars ({reason}): "
            'check the network and start again, or use "docker compose up" instead'
        ) from error


def _jars(repository: Path, count: int, progress: Callable[[str], None]) -> Iterator[Path]:
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
