"""The folder that a stack keeps its data in: temporary, or one that can be used again."""

import fcntl
import json
import os
import re
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from devstack.errors import DevStackError
from devstack.processes import pause_until

MARKER = "devstack.json"
"""Says that a folder is ours, and which servers' versions wrote it."""

LOCK = "devstack.lock"
"""Held while a stack runs on the folder."""

LOCK_WAIT_S = 12.0
"""The servers of a stack that was just killed still need a moment to close: at most the grace that
the supervisor gives them, and a little."""


CONTROL = re.compile(r"[\x00-\x1f\x7f]")
"""In no path of ours: paths stand in files and messages of one line each."""


@dataclass(frozen=True)
class Folder:
    """A stack's folder; `lock` is the open file whose lock keeps other stacks out."""

    path: Path
    temporary: bool
    lock: int

    def of(self, server: str) -> Path:
        """Return a server's own part of it."""
        path = self.path / server
        path.mkdir(exist_ok=True)
        return path


def temporary() -> Folder:
    """Make a folder that goes when its stack stops."""
    path = Path(tempfile.mkdtemp(prefix="accounts-devstack-"))
    return Folder(path, temporary=True, lock=_lock(path))


def kept(path: Path, versions: Mapping[str, str]) -> Folder:
    """Open a folder whose data stays; an empty or missing one is made ours.

    Raises:
        DevStackError: It is in use, holds something else, or was written by other versions.
    """
    path = path.absolute()
    if CONTROL.search(str(path)):
        raise DevStackError("the data folder's name has a line break or the like: choose another")
    try:
        path.mkdir(parents=True, exist_ok=True)
        strangers = [entry.name for entry in path.iterdir() if entry.name not in (LOCK, MARKER)]
    except FileExistsError:
        raise DevStackError(f"cannot use the data folder {path} (it is a file)") from None
    except OSError as error:
        raise DevStackError(f"cannot use the data folder {path} ({error.strerror})") from None
    marker = path / MARKER
    if strangers and not marker.exists():
        raise DevStackError(
            f"{path} is not empty and not a dev stack's data folder: choose an empty or a new one"
        )
    lock = _lock(path)
    if not marker.exists():
        marker.write_text(json.dumps(dict(versions)), encoding="utf-8")
    found = _written(marker)
    if found != dict(versions):
        os.close(lock)
        raise DevStackError(
            f"{path} was written by {_listed(found)}, this is {_listed(versions)}: "
            "choose another folder, or delete it"
        )
    return Folder(path, temporary=False, lock=lock)


def _lock(path: Path) -> int:
    try:
        file = os.open(path / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise DevStackError(f"cannot use the data folder {path} ({error.strerror})") from None
    deadline = time.monotonic() + LOCK_WAIT_S
    while not _locked(file):
        if not pause_until(deadline):
            os.close(file)
            raise DevStackError(
                f"{path} is in use by another dev stack: stop that one, or choose another folder"
            )
    return file


def _locked(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _written(marker: Path) -> dict[str, str]:
    try:
        return json.loads(marker.read_text(encoding="utf-8"))
    except ValueError:  # cut off, or not ours
        return {"something": "unknown"}


def _listed(versions: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in sorted(versions.items()))
