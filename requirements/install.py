"""Installs exactly a lock into the environment of the Python that runs this; nothing is resolved.

`python requirements/install.py LOCK`. Standard library only, because it runs before anything else
is there. pip does the work, so that mirrors, proxies and certificates that the user configured
count; what is in the lock, and whether all of it arrived, is decided here.
"""

import argparse
import ast
import importlib.metadata
import operator
import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

SHOWN_EVERY_S = 3.0
"""A person takes a longer silence for a standstill."""

PIN = re.compile(r"([a-z0-9-]+)==([^ ;]+)(?: ; (.+?))?(?:\s+--hash=sha256:[0-9a-f]{64})+")
"""One requirement of a lock, on one line: name, version, marker, hashes."""

NAMED = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)==")
"""How any pip repeats a requirement, whatever words it puts around it."""

COMPARED: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


def main() -> int:
    """Install, check, and return pip's exit status, or 1 where pip left something out."""
    options, for_pip = _options()
    lock: Path = options.lock
    pins = read_lock(lock)
    _say(f"Installing the {len(pins)} packages of {lock} into {sys.prefix}")
    _forget_unfinished(pins)
    started_s = time.monotonic()
    words = ["--no-deps", "--require-hashes", "--only-binary=:all:", *for_pip, "-r", str(lock)]
    status = Installing(pins, _say).run(_pip("install", "--progress-bar=off", *words))
    if status == 0 and options.editable:
        words = ["--quiet", "--no-deps", "--no-build-isolation", "--editable", options.editable]
        status = subprocess.run(_pip("install", *words), check=False).returncode
    if status != 0:
        print(f"pip could not install {lock} (exit status {status})", file=sys.stderr)
        return status
    return _checked(lock, pins, time.monotonic() - started_s)


def read_lock(lock: Path) -> dict[str, str]:
    """Return the versions by name that the lock pins for this Python on this system.

    Raises:
        SystemExit: A line is not a pin with hashes.
    """
    pins: dict[str, str] = {}
    for line in lock.read_text(encoding="utf-8").replace("\\\n", " ").splitlines():
        found = PIN.fullmatch(line.strip())
        if found is None:
            raise SystemExit(f"{lock}: not a pin with hashes: {line[:80]!r}; run make lock")
        if applies(found[3]):
            pins[found[1]] = found[2]
    return pins


def applies(marker: str | None) -> bool:
    """Evaluate a marker (PEP 508), whose grammar is a part of Python's.

    Raises:
        SystemExit: It uses what is not known here.
    """
    if marker is None:
        return True
    try:
        return _holds(ast.parse(marker, mode="eval").body)
    except (ValueError, KeyError, SyntaxError, TypeError):
        raise SystemExit(f"cannot tell whether this marker applies: {marker}") from None


def _holds(node: ast.expr) -> bool:
    match node:
        case ast.BoolOp(op=ast.And(), values=values):
            return all(_holds(value) for value in values)
        case ast.BoolOp(values=values):
            return any(_holds(value) for value in values)
        case ast.Compare(left=ast.Name(id=name), ops=[compared], comparators=[ast.Constant(value)]):
            return _compare(name, compared, value)
        case _:
            raise ValueError(node)


def _compare(name: str, compared: ast.cmpop, value: object) -> bool:
    assert isinstance(value, str)
    known = _environment()[name]
    if isinstance(known, tuple):
        given = tuple(int(part) for part in value.split("."))
        width = max(len(given), len(known))
        return COMPARED[type(compared)](_padded(known, width), _padded(given, width))
    if not isinstance(compared, ast.Eq | ast.NotEq):
        raise TypeError(compared)
    return COMPARED[type(compared)](known, value)


def _environment() -> dict[str, str | tuple[int, ...]]:
    return {
        "implementation_name": sys.implementation.name,
        "os_name": os.name,
        "platform_machine": platform.machine(),
        "platform_python_implementation": platform.python_implementation(),
        "platform_system": platform.system(),
        "python_full_version": sys.version_info[:3],
        "python_version": sys.version_info[:2],
        "sys_platform": sys.platform,
    }


def _padded(version: tuple[int, ...], width: int) -> tuple[int, ...]:
    return version + (0,) * (width - len(version))


class Installing:
    """A running pip, and how far it is by what it names and by what lies there.

    No step depends on how a version of pip words it: a package counts as found once its pin was
    repeated, and as unpacked once its metadata is there.
    """

    def __init__(self, pins: dict[str, str], say: Callable[[str], None]) -> None:
        self._pins = pins
        self._say = say
        self._started_s = time.monotonic()
        self._named: set[str] = set()
        self._last = ""

    def run(self, command: list[str]) -> int:
        """Show progress until pip ends; its errors go where ours go. Return its exit status."""
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, encoding="utf-8", errors="replace"
        ) as pip:
            assert pip.stdout is not None
            reading = threading.Thread(target=self._read, args=(pip.stdout,))
            reading.start()
            shown_s = time.monotonic()
            while reading.is_alive():
                reading.join(0.1)
                if time.monotonic() - shown_s >= SHOWN_EVERY_S:
                    shown_s = time.monotonic()
                    self._show()
            status = pip.wait()
        if status == 0:
            self._show()
        return status

    def _read(self, output: IO[str]) -> None:
        for line in output:
            for name in NAMED.findall(line):
                if (known := normal(name)) in self._pins:
                    self._named.add(known)
                    self._last = known

    def _show(self) -> None:
        total, took_s = len(self._pins), time.monotonic() - self._started_s
        there = _unpacked(self._pins)
        found = len(self._named | there)
        at = f", at {self._last}" if self._last and found < total else ""
        step = f"{found:3} of {total} found, {len(there):3} unpacked{at}"
        self._say(f"  {step}, {took_s:.0f} s")


def normal(name: str) -> str:
    """Return a name as the lock writes it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _say(line: str) -> None:
    print(line, flush=True)


def _options() -> tuple[argparse.Namespace, list[str]]:
    parser = argparse.ArgumentParser(description="Install exactly what LOCK pins.")
    parser.add_argument("lock", type=Path, metavar="LOCK")
    parser.add_argument("--editable", metavar="PROJECT", help="then this project, editable")
    parser.epilog = "What else is given goes to pip install."
    return parser.parse_known_args()


def _pip(command: str, *words: str) -> list[str]:
    return [sys.executable, "-u", "-m", "pip", "--disable-pip-version-check", command, *words]


def _packages() -> Path:
    return Path(sysconfig.get_path("purelib"))


def _unpacked(pins: dict[str, str]) -> set[str]:
    """Return the packages that are there in the pinned version."""
    there = {_name_and_version(folder) for folder in _packages().glob("*.dist-info")}
    return {name for name, version in pins.items() if (name, version) in there}


def _name_and_version(folder: Path) -> tuple[str, str]:
    name, _, version = folder.name.removesuffix(".dist-info").rpartition("-")
    return normal(name), version


def _forget_unfinished(pins: dict[str, str]) -> None:
    """Have pip unpack again what it was unpacking when it was killed: else it takes it for whole."""
    for folder in _packages().glob("*.dist-info"):
        # pip writes this file after all others but its list of them.
        if _name_and_version(folder)[0] in pins and not (folder / "INSTALLER").exists():
            shutil.rmtree(folder)


def _checked(lock: Path, pins: dict[str, str], took_s: float) -> int:
    """Compare what is there with the lock; have pip say whether any requirement is not met."""
    found = importlib.metadata.distributions(path=[str(_packages())])
    there = {normal(one.name): one.version for one in found}
    wrong = [
        f"{name} is pinned at {version}, and {there.get(name, 'nothing')} is installed"
        for name, version in sorted(pins.items())
        if there.get(name) != version
    ]
    check = subprocess.run(_pip("check"), capture_output=True, text=True, check=False)
    if check.returncode != 0:
        wrong += [*check.stdout.splitlines(), *check.stderr.splitlines()]
        wrong.append("what the lock itself lacks, make lock adds")
    for line in wrong:
        print(f"{lock}: {line}", file=sys.stderr)
    if not wrong:
        _say(f"{len(pins)} packages are there as {lock} pins them, in {took_s:.0f} s")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
