"""The stack's end of the supervisor: start, signal and wait for processes that it owns."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from devstack.errors import DevStackError

SCRIPT = Path(__file__).with_name("supervisor.py")
"""Run by path and with `-I -S`: it needs nothing but the standard library, and starts faster."""

ANSWER_MAX_S = 60.0
"""The supervisor answers a command within milliseconds, beside twenty busy processes within some
seconds; later than this it is stuck."""

CLOSE_MAX_S = 20.0
"""Twice the grace that the supervisor gives the servers to stop."""


CLOCK = ("LD_PRELOAD", "CLOCK_AHEAD_S")
"""What sets a process' clock ahead (`make test-later`): the servers' has to be the same as ours."""


class Processes:
    """Named child processes that end when this object is closed, or its process ends in any way.

    Safe to use from several threads.
    """

    def __init__(self, remove: Path | None, lock: int | None = None) -> None:
        """Start the supervisor; it deletes `remove` at the end and holds the file `lock` open."""
        self._changed = threading.Condition()
        self._pids: dict[str, int] = {}
        self._exits: dict[str, int] = {}
        self._failures: dict[str, str] = {}
        self._closed = False
        self._supervisor = subprocess.Popen(  # noqa: S603 - our own script
            [sys.executable, "-I", "-S", str(SCRIPT), *([str(remove)] if remove else [])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C in the terminal must reach the workers only
            pass_fds=() if lock is None else (lock,),
        )
        self._listener = threading.Thread(target=self._listen, name="devstack", daemon=True)
        self._listener.start()

    @property
    def supervisor_pid(self) -> int:
        """Return the process id of the supervisor."""
        return self._supervisor.pid

    def start(
        self,
        name: str,
        argv: Sequence[str],
        env: Mapping[str, str],
        log: Path,
        folder: Path | None = None,
    ) -> int:
        """Start a process in `folder`, else here; return its id. Its output is appended to `log`.

        Raises:
            DevStackError: The program cannot be executed.
        """
        with self._changed:
            for known in (self._pids, self._exits, self._failures):
                known.pop(name, None)
            clock = {key: os.environ[key] for key in CLOCK if key in os.environ}
            told = {"argv": list(argv), "env": {**clock, **env}, "log": str(log)}
            self._send({"start": name, **told, "folder": str(folder) if folder else None})
            self._changed.wait_for(
                lambda: self._closed or name in self._pids or name in self._failures, ANSWER_MAX_S
            )
            if name in self._failures:
                raise DevStackError(f"cannot start {name}: {self._failures[name]}")
            if name not in self._pids:
                raise DevStackError(f"cannot start {name}: the supervisor does not answer")
            return self._pids[name]

    def pid(self, name: str) -> int | None:
        """Return the id of a running process, `None` when it is not running."""
        with self._changed:
            gone = self._closed or name in self._exits
            return None if gone else self._pids.get(name)

    def signal(self, name: str, number: signal.Signals) -> None:
        """Send a signal to a process and its group; nothing happens when it is gone."""
        with self._changed:
            self._send({"signal": name, "number": int(number)})

    def keep(self) -> None:
        """Leave the folder there at the end; too late once everything is stopped."""
        with self._changed, suppress(DevStackError):
            self._send({"keep": True})

    @property
    def are_gone(self) -> bool:
        """Whether everything is stopped, be it because somebody killed the supervisor."""
        with self._changed:
            return self._closed

    def wait(self, name: str, seconds: float) -> int | None:
        """Wait for a process to end: its status, negative for a signal; `None` if it still runs."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or name in self._exits, seconds)
            return self._exits.get(name)

    def close(self) -> None:
        """Stop everything and wait until it is gone; may be called again."""
        assert self._supervisor.stdin is not None
        with self._changed, suppress(BrokenPipeError):
            self._supervisor.stdin.close()
        try:
            self._supervisor.wait(CLOSE_MAX_S)
        except subprocess.TimeoutExpired:  # the kernel then kills the servers too
            self._supervisor.kill()
            self._supervisor.wait()
        self._listener.join()

    def _send(self, command: dict[str, object]) -> None:
        assert self._supervisor.stdin is not None
        if self._closed or self._supervisor.stdin.closed:
            raise DevStackError("the dev stack has been stopped: start it again")
        try:
            self._supervisor.stdin.write(json.dumps(command).encode() + b"\n")
            self._supervisor.stdin.flush()
        except BrokenPipeError:
            raise DevStackError("the dev stack's supervisor was killed: start again") from None

    def _listen(self) -> None:
        assert self._supervisor.stdout is not None
        with self._supervisor.stdout as news:
            for line in news:
                with self._changed:
                    self._note(json.loads(line))
                    self._changed.notify_all()
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _note(self, news: dict[str, Any]) -> None:
        match news:
            case {"started": str(name), "pid": int(pid)}:
                self._pids[name] = pid
            case {"failed": str(name), "why": str(why)}:
                self._failures[name] = why
            case {"exited": str(name), "status": int(status)}:
                self._exits[name] = status
            case _:
                raise AssertionError(news)


def how_ended(status: int) -> str:
    """Say in words what `wait` returned."""
    return signal.Signals(-status).name if status < 0 else f"exit status {status}"


def pause_until(deadline: float, seconds: float = 0.02) -> bool:
    """Sleep a moment; say whether the deadline (monotonic) is still ahead."""
    time.sleep(seconds)
    return time.monotonic() < deadline
