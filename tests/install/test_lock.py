"""A lock has all that its packages require, so that nothing needs to be resolved."""

import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires
from typing import TypeAlias

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement

from requirements.install import normal
from tests.install.tiny_wheels import pins_of
from tests.places import REPOSITORY

PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
EXTRAS: dict[str, list[str]] = PROJECT["project"]["optional-dependencies"]
GROUPS: dict[str, list[str]] = PROJECT["dependency-groups"]
BASE: list[str] = PROJECT["project"]["dependencies"]
FOR_TESTS = [*GROUPS["build"], *GROUPS["confluent"], *GROUPS["gateway"]]
ALL = [*BASE, *(one for extra in EXTRAS.values() for one in extra), *FOR_TESTS]
CLIENT = tomllib.loads((REPOSITORY / "distributions" / "client" / "pyproject.toml").read_text())
OF_THE_CLIENT: list[str] = CLIENT["project"]["dependencies"]
OF_ITS_FAKE: list[str] = CLIENT["project"]["optional-dependencies"]["testing"]

Environment: TypeAlias = dict[str, str]
ROOTS = {
    "client.txt": OF_THE_CLIENT,
    "client-testing.txt": [*OF_THE_CLIENT, *OF_ITS_FAKE],
    "confluent.txt": GROUPS["confluent"],
    "dev.txt": ALL,
    "lock.txt": GROUPS["lock"],
    "worker.txt": [*BASE, *GROUPS["build"]],
}
ELSEWHERE = {"bench.txt"}
"""Installed by `make bench` alone: what its packages require is not known here."""
PYTHONS = ["3.11", "3.12", "3.13"]

every_lock = pytest.mark.parametrize("lock", ROOTS)
every_python = pytest.mark.parametrize("python", PYTHONS)


def linux(python: str) -> Environment:
    """Return what markers are compared with for that Python on x86-64 Linux."""
    return {
        "implementation_name": "cpython",
        "os_name": "posix",
        "platform_machine": "x86_64",
        "platform_python_implementation": "CPython",
        "platform_system": "Linux",
        "python_full_version": f"{python}.0",
        "python_version": python,
        "sys_platform": "linux",
    }


def applies(marker: Marker | None, environment: Environment, extra: str = "") -> bool:
    return marker is None or marker.evaluate({**environment, "extra": extra})


def required_by(requirement: Requirement, environment: Environment) -> Iterator[Requirement]:
    """Yield what a package, with the extras asked for, requires; as far as it is installed here."""
    try:
        found = [Requirement(one) for one in requires(requirement.name) or []]
    except PackageNotFoundError:
        return
    for one in found:
        if any(applies(one.marker, environment, extra) for extra in ("", *requirement.extras)):
            yield one


def required(roots: list[str], environment: Environment) -> set[Requirement]:
    """Return these requirements with all of theirs, and theirs, for one environment."""
    found = set[Requirement]()
    waiting = [one for one in map(Requirement, roots) if applies(one.marker, environment)]
    while waiting:
        requirement = waiting.pop()
        if requirement not in found:
            found.add(requirement)
            waiting += required_by(requirement, environment)
    return found


def pinned(lock: str, environment: Environment) -> dict[str, str]:
    pins = pins_of(REPOSITORY / "requirements" / lock)
    return {
        name: version
        for name, version, marker in pins
        if applies(Marker(marker) if marker else None, environment)
    }


def test_every_lock_is_known_here() -> None:
    assert {path.name for path in (REPOSITORY / "requirements").glob("*.txt")} == {
        *ROOTS,
        *ELSEWHERE,
    }


def test_the_service_requires_what_its_client_does_in_the_same_versions() -> None:
    """It has the same modules, and its tests are the client's."""
    assert set(OF_THE_CLIENT) | set(OF_ITS_FAKE) <= set(BASE)


@every_lock
@every_python
def test_a_lock_is_complete(lock: str, python: str) -> None:
    environment = linux(python)
    pins = pinned(lock, environment)

    def is_met(requirement: Requirement) -> bool:
        version = pins.get(normal(requirement.name), "")
        return bool(version) and requirement.specifier.contains(version, prereleases=True)

    unmet = {one for one in required(ROOTS[lock], environment) if not is_met(one)}
    assert {str(one) for one in unmet} == set()


@every_lock
@every_python
def test_a_lock_holds_nothing_else(lock: str, python: str) -> None:
    """So every pin is looked for above, and one that goes missing is noticed."""
    environment = linux(python)

    names = {normal(one.name) for one in required(ROOTS[lock], environment)}

    assert pinned(lock, environment).keys() == names
