"""The committed SHA-256 of every jar that Kafka runs from, and the check against it."""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from devstack.errors import DevStackError

KAFKA_JARS = Path(__file__).with_name("kafka_jars.sha256")
"""One line per jar, `<sha256>  <file name>`, as `sha256sum` writes it."""


def read(path: Path = KAFKA_JARS) -> dict[str, str]:
    """Return the expected digests by file name."""
    lines = path.read_text(encoding="utf-8").splitlines()
    pairs = (line.split() for line in lines if line.strip())
    return {name: digest for digest, name in pairs}


def require_exact(jars: Iterable[Path], expected: Mapping[str, str], advice: str) -> None:
    """Refuse a set of jars unless it is exactly the expected one, byte for byte.

    `advice` ends the message: what to do about it depends on where the jars came from.

    Raises:
        DevStackError: A jar differs, is unknown, or is missing.
    """
    found = {jar.name: jar for jar in jars}
    unknown = sorted(found.keys() - expected.keys())
    if unknown:
        raise DevStackError(f"unknown jar {found[unknown[0]]}, it is not on our list: {advice}")
    missing = sorted(expected.keys() - found.keys())
    if missing:
        raise DevStackError(f"the jar {missing[0]} is missing: {advice}")
    for name, jar in sorted(found.items()):
        digest = _sha256(jar)
        if digest != expected[name]:
            raise DevStackError(
                f"{jar} has SHA-256 {digest}, expected {expected[name]}: refused; {advice}"
            )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
