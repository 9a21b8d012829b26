"""Environments that hold one distribution and the packages of one lock, and nothing else."""

import os
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path

from requirements.install import read_lock
from tests.places import REPOSITORY


@dataclass(frozen=True)
class Alone:
    """An environment of its own, and what one wheel put into it."""

    folder: Path
    packages: Path
    names: frozenset[str]
    """What the wheel put into site-packages, at the top."""
    scripts: frozenset[str]

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    def run(self, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run a program of the environment from its folder; the checkout is not seen there."""
        return run([self.folder / "bin" / words[0], *words[1:]], self.folder, **environ)

    def pip(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Have the pip of the tests look at the environment, which has none."""
        pip = [sys.executable, "-m", "pip", "--python", self.python]
        return run([*pip, *words, "--disable-pip-version-check"], self.folder)


def run(
    command: list[Path | str], folder: Path, **environ: str
) -> subprocess.CompletedProcess[str]:
    """Run to the end, with nothing of Python's, pip's or make's own settings around."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "PIP_", "MAKE", "MFLAGS"))
    }
    return subprocess.run(
        command, cwd=folder, env=kept | environ, capture_output=True, text=True, check=False
    )


def install_alone(folder: Path, wheel: Path, lock: str) -> Alone:
    """Make an environment with a lock's packages, as they are installed here, and the wheel.

    They are links: what they lead to was verified when it was installed, and nothing is fetched
    again.
    """
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    [packages] = folder.glob("lib/python3*/site-packages")
    for name, version in read_lock(REPOSITORY / "requirements" / lock).items():
        _link(name, version, packages)
    before = Alone(folder, packages, _names(packages), _names(folder / "bin"))
    words = ("--no-deps", "--no-index", "--no-compile")
    ended = before.pip("install", *words, str(wheel))
    assert ended.returncode == 0, ended
    names, scripts = _names(packages) - before.names, _names(folder / "bin") - before.scripts
    return Alone(folder, packages, names, scripts)


def _names(folder: Path) -> frozenset[str]:
    return frozenset(path.name for path in folder.iterdir())


def _link(name: str, version: str, packages: Path) -> None:
    found = distribution(name)
    assert found.version == version, f"{name} is not installed here as the lock says: make install"
    for top in {file.parts[0] for file in found.files or ()} - {"..", "__pycache__"}:
        (packages / top).symlink_to(str(found.locate_file(top)))
