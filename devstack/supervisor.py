"""The small process that owns the servers, so that none of them outlives the stack's process.

It is run as a script. Commands come as JSON lines on standard input, news go out on standard
output. When the input ends, whoever held the other end is gone or wants to stop: all servers are
terminated, temporary data is removed unless it was told to keep it. It is the servers' parent, so a signal can never hit a
process that merely inherited a number.
"""

import ctypes
import json
import os
import selectors
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

STOP_GRACE_S = 10.0
"""Kafka and mongod close in about a second; after this the data is left to crash recovery."""

STOP_GRACE_TEMPORARY_S = 1.0
"""The same where the data is removed in a moment: a Kafka of many topics closes them for longer."""

PARENT_CHECK_S = 1.0
"""How often to look whether the parent lives: a forked copy of it may hold the pipe open."""

PR_SET_PDEATHSIG = 1
"""From linux/prctl.h. Enough here (this process has one thread), where the input's end is not:
should the supervisor itself be killed, the kernel kills the servers."""


class Supervisor:
    """Start, signal and reap processes on command until the input ends."""

    def __init__(self) -> None:
        """Remember the parent as it is now."""
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._parent = os.getppid()
        self.keeps_data = False
        self._libc = ctypes.CDLL(None)

    def run(self) -> None:
        """Serve until the input ends or the parent is gone."""
        wake_read, wake_write = os.pipe()
        os.set_blocking(wake_read, False)
        os.set_blocking(wake_write, False)
        signal.set_wakeup_fd(wake_write)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        waiter = selectors.DefaultSelector()
        waiter.register(sys.stdin.fileno(), selectors.EVENT_READ)
        waiter.register(wake_read, selectors.EVENT_READ)
        pending = b""
        while os.getppid() == self._parent:
            ready = {key.fd for key, _ in waiter.select(PARENT_CHECK_S)}
            if wake_read in ready:
                os.read(wake_read, 4096)
            self._reap()
            if sys.stdin.fileno() in ready:
                received = os.read(sys.stdin.fileno(), 65536)
                if not received:
                    return
                *lines, pending = (pending + received).split(b"\n")
                for line in lines:
                    self._obey(json.loads(line))

    def stop_all(self, grace_s: float) -> None:
        """Terminate what runs, all at once; kill what has not gone after the grace."""
        for process in self._processes.values():
            _send(process, signal.SIGTERM)
            _send(process, signal.SIGCONT)  # one that is stopped could not act on it
        deadline = time.monotonic() + grace_s
        for process in self._processes.values():
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                _send(process, signal.SIGKILL)
                process.wait()

    def _obey(self, command: dict[str, Any]) -> None:
        match command:
            case {"start": str(name), "argv": argv, "env": env, "log": str(log), "folder": folder}:
                self._start(name, argv, env, log, folder)
            case {"signal": str(name), "number": int(number)}:
                if name in self._processes:
                    _send(self._processes[name], number)
            case {"keep": True}:
                self.keeps_data = True
            case _:
                raise ValueError(f"unknown command {command}")

    def _start(
        self, name: str, argv: list[str], env: dict[str, str], log: str, folder: str | None
    ) -> None:
        try:
            with Path(log).open("ab") as output:
                self._processes[name] = subprocess.Popen(  # noqa: S603 - argv is built by the stack
                    argv,
                    env=env,
                    cwd=folder,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    process_group=0,
                    preexec_fn=self._die_with_us,  # noqa: PLW1509 - this process has one thread
                )
        except OSError as error:
            _tell({"failed": name, "why": str(error)})
        else:
            _tell({"started": name, "pid": self._processes[name].pid})

    def _die_with_us(self) -> None:
        self._libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)

    def _reap(self) -> None:
        for name, process in list(self._processes.items()):
            status = process.poll()
            if status is not None:
                del self._processes[name]
                _tell({"exited": name, "status": status})


def _send(process: subprocess.Popen[bytes], number: int) -> None:
    if process.returncode is None:  # not reaped: the number is still its own
        os.killpg(process.pid, number)


def _tell(news: dict[str, object]) -> None:
    try:
        sys.stdout.write(json.dumps(news) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:  # nobody listens any more; the input's end will say the same
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - for good


def _stop(_number: int, _frame: object) -> None:
    raise SystemExit


def main() -> None:
    """Supervise, then leave nothing behind: `argv[1]` is the folder to remove, or nothing."""
    for ignored in (signal.SIGINT, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(ignored, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _stop)
    supervisor = Supervisor()
    try:
        supervisor.run()
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        temporary = sys.argv[1] if sys.argv[1:] and not supervisor.keeps_data else None
        supervisor.stop_all(STOP_GRACE_TEMPORARY_S if temporary else STOP_GRACE_S)
        if temporary:
            shutil.rmtree(temporary, ignore_errors=True)


if __name__ == "__main__":
    main()
