"""The worker as a child of `accounts dev`: started, waited for, started again when it dies."""

import json
import signal
import sys
import time
from collections.abc import Mapping
from http.client import HTTPException
from pathlib import Path

from devstack.patience import Patience, log_tail
from devstack.processes import Processes
from workers.cli.connection import Sidecar
from workers.cli.output import CliError
from workers.clock import monotonic_s

POLL_S = 0.05
"""How often it is asked meanwhile."""

STOP_S = 5.0
"""Longest wait for its end: whoever pressed Ctrl-C is waiting."""

HTTP_OK = 200
NAME = "worker"


class DevWorker:
    """One worker process, which ends with this process in any case."""

    def __init__(
        self,
        processes: Processes,
        log_path: Path,
        environment: Mapping[str, str],
        sidecar: Sidecar,
    ) -> None:
        self.log_path = log_path
        self._environment = environment
        self._sidecar = sidecar
        self._processes = processes
        self.started_s = 0.0

    @property
    def pid(self) -> int | None:
        """Return its process id, None when it does not run."""
        return self._processes.pid(NAME)

    def start(self) -> None:
        """Start it and return when it is ready.

        Raises:
            CliError: It ended, or was not ready in time; with the end of its log.
        """
        self.started_s = monotonic_s()
        command = [sys.executable, "-m", "workers", "worker"]
        self._processes.start(NAME, command, self._environment, self.log_path)
        patience = Patience(lambda: self.pid, self.log_path)
        while not self._is_ready():
            if self.ended(0) is not None:
                raise CliError(f"the worker ended at its start; {self.log_end()}", exit_code=1)
            if not patience.lasts():
                raise CliError(
                    f"the worker was not ready ({patience.waited()}; {self._missing()}); "
                    f"{self.log_end()}",
                    exit_code=1,
                )
            time.sleep(POLL_S)

    def ended(self, seconds: float) -> str | None:
        """Wait up to *seconds* for its end: say how it ended, None while it runs."""
        status = self._processes.wait(NAME, seconds)
        if status is None:
            return None if self.pid is not None else "nobody knows how"
        return signal.Signals(-status).name if status < 0 else f"exit code {status}"

    def log_end(self) -> str:
        """Return the last lines of its log, and keep the whole of it."""
        return log_tail(self.log_path)

    def stop(self) -> None:
        """Let it finish what it has in hand, but not for long: what is left is done next time."""
        if self.pid is not None:
            self._processes.signal(NAME, signal.SIGTERM)
            if self._processes.wait(NAME, STOP_S) is None:
                self._processes.signal(NAME, signal.SIGKILL)

    def _is_ready(self) -> bool:
        try:
            status, _ = self._sidecar.get("/health/ready")
        except (OSError, HTTPException):
            return False
        return status == HTTP_OK

    def _missing(self) -> str:
        try:
            _, body = self._sidecar.get("/health")
            return json.dumps(json.loads(body))
        except (OSError, HTTPException, ValueError):
            return "its sidecar does not answer"
