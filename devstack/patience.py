"""How long a process is waited for: as long as it gets on, however little of the machine it gets."""

import os
import shutil
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

STANDSTILL_S = 60.0
"""A process that neither worked nor wrote to its log for so long is stuck. One that starts beside
twenty others on two cores still gets a twentieth of a core."""

WORK_SHARE_MIN = 0.01
"""Less of a core than this is not work: a mongod that has nothing to do takes half of it."""

LONGEST_S = 600.0
"""For a process that is busy and gets nowhere. Ten times what a start takes beside twenty others."""

TAIL_LINES = 8
"""Enough of a log to see why a process ended, in an error that still fits a terminal."""


class Patience:
    """The wait for one process; ask `lasts` again and again."""

    def __init__(self, pid: Callable[[], int | None], log: Path) -> None:
        """Begin to wait now."""
        self._pid = pid
        self.log = log
        self._began_s = self._moved_s = time.monotonic()
        self._worked_s, self._logged = self._signs()

    def lasts(self) -> bool:
        """Say whether there is hope: it worked or wrote lately, and not for ever."""
        now_s = time.monotonic()
        worked_s, logged = self._signs()
        if logged != self._logged or worked_s - self._worked_s > STANDSTILL_S * WORK_SHARE_MIN:
            self._moved_s, self._worked_s, self._logged = now_s, worked_s, logged
        return now_s - self._moved_s < STANDSTILL_S and now_s - self._began_s < LONGEST_S

    def waited(self) -> str:
        """Say how long the wait was, and what the process did meanwhile."""
        now_s = time.monotonic()
        idle_s = now_s - self._moved_s
        did = f"did nothing for the last {idle_s:.0f} s" if idle_s >= STANDSTILL_S else "kept busy"
        return f"waited {now_s - self._began_s:.0f} s, it {did}"

    def _signs(self) -> tuple[float, int]:
        pid = self._pid()
        return (0.0 if pid is None else cpu_s(pid), _size(self.log))


def cpu_s(pid: int) -> float:
    """Return the processor time that all threads of a process have had; 0 when it is gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    # proc_pid_stat(5): the fields after the name in parentheses begin with the third.
    fields = stat.rpartition(") ")[2].split()
    utime, stime = fields[14 - 3], fields[15 - 3]
    return (int(utime) + int(stime)) / os.sysconf("SC_CLK_TCK")


def log_tail(path: Path) -> str:
    """Return the last lines of a log that may soon be removed, and where it is kept."""
    return last_lines(keep(path)) if _size(path) else f"it wrote nothing to {path}"


def last_lines(path: Path, count: int = TAIL_LINES) -> str:
    """Return the last lines of a log, and where the others are."""
    text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
    return "\n".join([f"its log {path} ends with", *text.splitlines()[-count:]])


def keep(log: Path) -> Path:
    """Copy a log to where it outlives its folder, which may be removed as soon as this fails."""
    kept = Path(tempfile.mkdtemp(prefix=f"accounts-{log.parent.name}-")) / log.name
    with suppress(OSError):  # a full disk must not hide what went wrong
        shutil.copyfile(log, kept)
    return kept


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
