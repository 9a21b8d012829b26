"""A lock is installed as it is, whatever else there would be to install."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, PathDistribution, requires
from pathlib import Path

import pytest

from requirements import install
from requirements.install import Installing, applies, normal
from tests.install.tiny_wheels import a_pin, a_wheel, pins_of
from tests.places import REPOSITORY

INSTALLER = REPOSITORY / "requirements" / "install.py"
LOCK = REPOSITORY / "requirements" / "dev.txt"
NEWER = "99999.0"


@dataclass(frozen=True)
class Environment:
    """An environment of its own, whose pip knows the wheels in one folder and nothing else."""

    folder: Path
    wheels: Path
    packages: Path
    at_first: frozenset[Path]
    """What a new environment holds: pip, and with Python 3.11 setuptools."""

    def installed(self) -> dict[str, str]:
        new = set(self.packages.glob("*.dist-info")) - self.at_first
        return {normal(one.name): one.version for one in map(PathDistribution, new)}

    def install(self, lock: str, *options: str) -> subprocess.CompletedProcess[str]:
        path = self.folder / "lock.txt"
        path.write_text(lock)
        others = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
        only_here = {"PIP_FIND_LINKS": str(self.wheels), "PIP_NO_INDEX": "1"}
        return subprocess.run(
            [self.folder / "bin" / "python", INSTALLER, path, *options],
            env=others | {"PIP_CONFIG_FILE": os.devnull} | only_here,
            capture_output=True,
            text=True,
            check=False,
        )

    def offer(self, name: str, version: str, *required: str) -> str:
        """Put a wheel on offer; return its line of a lock."""
        return a_pin(name, version, a_wheel(self.wheels, name, version, required))


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    folder = tmp_path_factory.mktemp("environment")
    (folder / "wheels").mkdir()
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    [packages] = folder.glob("lib/python3*/site-packages")
    return Environment(folder, folder / "wheels", packages, frozenset(packages.iterdir()))


@pytest.fixture
def environment(bare: Environment) -> Environment:
    """Return the environment as it was at first, with nothing on offer."""
    for path in {*bare.packages.iterdir(), *bare.wheels.iterdir()} - bare.at_first:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    return bare


def requirements_of(name: str) -> list[str]:
    """Return what the package that is installed here under that name requires."""
    try:
        return requires(name) or []
    except PackageNotFoundError:  # it is pinned for another system
        return []


def test_a_newer_release_of_every_package_changes_nothing(environment: Environment) -> None:
    """Requirements with extras among them (`coverage[toml]`), which made older pips look."""
    lock = ""
    for name, version, marker in pins_of(LOCK):
        digest = a_wheel(environment.wheels, name, version, requirements_of(name))
        a_wheel(environment.wheels, name, NEWER)
        lock += a_pin(name, version, digest, marker)

    ended = environment.install(lock, "--no-compile")

    pinned = {name: version for name, version, marker in pins_of(LOCK) if applies(marker)}
    assert ended.returncode == 0, ended
    assert environment.installed() == pinned
    assert len(pinned) > 90
    assert f"{len(pinned)} packages are there" in ended.stdout.splitlines()[-1]


def test_what_is_there_in_another_version_is_replaced(environment: Environment) -> None:
    older, newer = environment.offer("one", "1.0"), environment.offer("one", "2.0")

    for lock, version in ((newer, "2.0"), (older, "1.0"), (older, "1.0")):
        ended = environment.install(lock)

        assert ended.returncode == 0, ended
        assert environment.installed() == {"one": version}


def test_a_requirement_that_the_lock_lacks_is_named(environment: Environment) -> None:
    environment.offer("two", "1.0")

    ended = environment.install(environment.offer("one", "1.0", "two>=1"))

    assert ended.returncode == 1
    assert environment.installed() == {"one": "1.0"}, "nothing is resolved"
    assert "two" in ended.stderr
    assert "make lock" in ended.stderr


def test_a_wheel_that_is_not_the_pinned_one_is_refused(environment: Environment) -> None:
    environment.offer("one", "1.0")

    ended = environment.install(a_pin("one", "1.0", "0" * 64))

    assert ended.returncode != 0
    assert "one" in ended.stderr, "pip's own words"
    assert f"exit status {ended.returncode}" in ended.stderr
    assert environment.installed() == {}


def test_what_pip_was_unpacking_when_it_was_killed_is_unpacked_again(
    environment: Environment,
) -> None:
    lock = environment.offer("one", "1.0")
    environment.install(lock)
    module = environment.packages / "tiny_one.py"
    (environment.packages / "one-1.0.dist-info" / "INSTALLER").unlink()
    module.unlink()

    ended = environment.install(lock)

    assert ended.returncode == 0, ended
    assert module.exists()


def test_a_package_that_pip_claims_to_have_installed_is_looked_for(
    environment: Environment,
) -> None:
    lock = environment.offer("one", "1.0")

    ended = environment.install(lock, "--dry-run")

    assert ended.returncode == 1
    assert "one is pinned at 1.0, and nothing is installed" in ended.stderr


def test_a_line_that_is_no_pin_is_refused(environment: Environment) -> None:
    ended = environment.install("one>=1.0\n")

    assert ended.returncode == 1
    assert "not a pin with hashes: 'one>=1.0'" in ended.stderr


def test_a_silent_pip_is_still_seen_to_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It says one thing, in words no pip has used, and nothing more until it was shown thrice."""
    monkeypatch.setattr(install, "SHOWN_EVERY_S", 0.01)
    waiting = tmp_path / "waiting"
    os.mkfifo(waiting)
    shown = list[str]()

    def say(line: str) -> None:
        shown.append(line)
        if len(shown) == 3:
            waiting.write_text("go on")

    wordy = f"print('Glimpsed O_ne==1.0', flush=True); open({str(waiting)!r}).read(); exit(7)"
    status = Installing({"o-ne": "1.0", "two": "2.0"}, say).run([sys.executable, "-c", wordy])

    assert status == 7
    assert len(shown) >= 3
    assert "1 of 2 found,   0 unpacked, at o-ne" in shown[-1]


@pytest.mark.parametrize(
    ("marker", "here"),
    [
        (None, True),
        ("sys_platform == 'linux'", sys.platform == "linux"),
        ("sys_platform != 'linux'", sys.platform != "linux"),
        ("python_full_version >= '3.11'", True),
        ("python_full_version < '3.11'", False),
        ("python_version < '3.100'", True),
        ("python_version == '3.11'", sys.version_info[:2] == (3, 11)),
        ("python_full_version == '3.11'", sys.version_info[:3] == (3, 11, 0)),
        ("implementation_name == 'cpython' and os_name == 'nt'", False),
        ("implementation_name != 'cpython' or os_name == 'posix'", True),
        ("(os_name == 'nt' or os_name == 'posix') and python_version > '3'", True),
    ],
)
def test_a_marker_applies_or_not(marker: str | None, here: bool) -> None:  # noqa: FBT001 - a table
    assert applies(marker) is here


@pytest.mark.parametrize(
    "marker",
    [
        "moon == 'full'",
        "sys_platform in 'linux'",
        "sys_platform > 'linux'",
        "python_version ~= '3.11'",
        "python_version == '3.*'",
        "extra == 'worker'",
    ],
)
def test_a_marker_that_is_not_known_is_refused(marker: str) -> None:
    with pytest.raises(SystemExit, match="cannot tell whether this marker applies"):
        applies(marker)
