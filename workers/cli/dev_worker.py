"""The worker as a child of `accounts dev`: started, waited for, started again when it dies."""

import json
import signal
import sys
import time
from collections.abc import Mapping
from http.client import HTTPException
from pathlib import Path

from devstack.patience import Patience, last_lines
from devstack.processes import Processes, how_ended
from workers.cli.connection import Sidecar
from workers.cli.output import CliError

POLL_S = 0.05
"""How often it is asked meanwhile."""

STOP_S = 5.0
"""Longest wait for its end: whoever pressed Ctrl-C is waiting."""

HTTP_OK = 200


class DevWorker:
    """One worker process, which ends with this process in any case."""

    name = "worker"

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

    @property
    def pid(self) -> int | None:
        """Return its process id, None when it does not run."""
        return self._processes.pid(self.name)

    def start(self) -> None:
        """Start it and return when it is ready.

        Raises:
            CliError: It ended, or was not ready in time; with the end of its log.
        """
        command = [sys.executable, "-m", "workers", "worker"]
        self._processes.start(self.name, command, self._environment, self.log_path)
        patience = Patience(lambda: self.pid, self.log_path)
        while not self._is_ready():
            if self.pid is None:
                how = self.ended(0) or "with all else"
                why = f"ended at its start ({how})"
            elif not patience.lasts():
                why = f"was not ready ({patience.waited()}; {self._missing()})"
            else:
                time.sleep(POLL_S)
                continue
            raise CliError(f"the worker {why}; {last_lines(self.log_path)}", exit_code=1)

    def restart(self) -> None:
        """Stop it if it runs, start it again and return when it is ready.

        Raises:
            CliError: As at the first start.
        """
        self.stop()
        self.start()

    def ended(self, seconds: float) -> str | None:
        """Wait up to *seconds* for its end: say how it ended, None while it runs."""
        status = self._processes.wait(self.name, seconds)
        return None if status is None else how_ended(status)

    def stop(self) -> None:
        """Let it finish what it has in hand, but not for long: what is left is done next time."""
        if self.pid is not None:
            self._processes.signal(self.name, signal.SIGTERM)
            if self._processes.wait(self.name, STOP_S) is None:
                self._processes.signal(self.name, signal.SIGKILL)
                self._processes.wait(self.name, STOP_S)

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
