"""One local server: its process, its port, its files, and what tests may do to it."""

import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from devstack.errors import DevStackError
from devstack.patience import Patience, last_lines, log_tail
from devstack.processes import Processes, how_ended, pause_until

POLL_S = 0.02
"""How often a server is asked whether it is ready."""

STOP_MAX_S = 15.0
"""A server that has not closed by then is killed; all three need about a second."""


@dataclass(frozen=True)
class Plan:
    """How to start a server and how to tell that it is ready."""

    name: str
    port: int
    folder: Path
    """Absolute. The server runs in it, so that its arguments and its configuration need not name it:
    each program has characters of its own that it does not take in a path."""
    argv: Sequence[str]
    env: Mapping[str, str]
    is_ready: Callable[[], bool]

    @property
    def log_path(self) -> Path:
        """Return the file that takes what the server prints."""
        return self.folder / "server.log"


class Server:
    """A started server. Its methods block; from a coroutine call them through a thread."""

    def __init__(self, plan: Plan, processes: Processes) -> None:
        """Start it and wait until it serves.

        Raises:
            DevStackError: It ended early or did not become ready, with the end of its log.
        """
        self._plan = plan
        self._processes = processes
        self._start(log_tail)  # nothing is in the folder yet: it goes, and the log is kept

    @property
    def name(self) -> str:
        """Return the server's name: `kafka`, `mongodb` or `redis`."""
        return self._plan.name

    @property
    def port(self) -> int:
        """Return the port that clients connect to, the same for the whole life of the stack."""
        return self._plan.port

    @property
    def log_path(self) -> Path:
        """Return the file that takes what the server prints."""
        return self._plan.log_path

    @property
    def pid(self) -> int | None:
        """Return the id of the server's process, `None` when it is not running."""
        return self._processes.pid(self.name)

    def ended(self, seconds: float) -> str | None:
        """Wait up to *seconds* for its end: say how it ended, `None` while it runs."""
        status = self._processes.wait(self.name, seconds)
        return None if status is None else how_ended(status)

    def kill(self) -> None:
        """End it by SIGKILL and wait until it is gone."""
        self._processes.signal(self.name, signal.SIGKILL)
        self._processes.wait(self.name, STOP_MAX_S)

    def stop(self) -> None:
        """End it in good order, or by force when it takes too long."""
        self.resume()
        self._processes.signal(self.name, signal.SIGTERM)
        if self._processes.wait(self.name, STOP_MAX_S) is None:
            self.kill()

    def restart(self, more: Sequence[str] = ()) -> None:
        """Stop it if it runs, then start it on the same port and data and wait until it serves.

        From now on with *more* arguments.

        Raises:
            DevStackError: As at the first start.
        """
        if self.pid is not None:
            self.stop()
        self._plan = replace(self._plan, argv=[*self._plan.argv, *more])
        self._start(last_lines)

    def pause(self) -> None:
        """Stop its clock (SIGSTOP) and wait until it stands: nothing answers, nothing is closed."""
        self._processes.signal(self.name, signal.SIGSTOP)
        deadline = time.monotonic() + STOP_MAX_S
        while self.pid is not None and not _is_stopped(self.pid):
            if not pause_until(deadline):
                raise DevStackError(f"{self.name} could not be paused")

    def resume(self) -> None:
        """Let a paused server go on (SIGCONT)."""
        self._processes.signal(self.name, signal.SIGCONT)

    def _start(self, log_end: Callable[[Path], str]) -> None:
        plan = self._plan
        self._processes.start(plan.name, plan.argv, plan.env, plan.log_path, plan.folder)
        patience = Patience(lambda: self.pid, plan.log_path)
        while not plan.is_ready():
            if (how := self.ended(POLL_S)) is not None:
                raise DevStackError(f"{plan.name} ended early ({how}): {log_end(self.log_path)}")
            if self.pid is None:
                raise DevStackError(f"{plan.name} was stopped before it was ready")
            if not patience.lasts():
                tail = log_end(self.log_path)
                raise DevStackError(f"{plan.name} was not ready ({patience.waited()}): {tail}")


def _is_stopped(pid: int) -> bool:
    # proc_pid_stat(5): the state follows the name in parentheses.
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(") ")[2][0] == "T"
    except FileNotFoundError:
        return False
