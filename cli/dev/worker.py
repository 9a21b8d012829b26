"""The worker as a child of `accounts dev`: started, waited for, started again when it dies."""

import json
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path

from cli.screen.output import CliError
from cli.service.connection import Sidecar
from devstack.patience import Patience, last_lines
from devstack.processes import Processes, how_ended

POLL_S = 0.05
"""How often it is asked meanwhile."""

STOP_S = 5.0
"""Longest wait for its end: whoever pressed Ctrl-C is waiting."""

HTTP_OK = 200


@dataclass(frozen=True, slots=True)
class DevWorker:
    """One worker process, which ends with this process in any case."""

    name = "worker"

    processes: Processes
    log_path: Path
    environment: Mapping[str, str]
    sidecar: Sidecar

    @property
    def pid(self) -> int | None:
        """Return its process id, None when it does not run."""
        return self.processes.pid(self.name)

    def start(self) -> None:
        """Start it and return when it is ready.

        Raises:
            CliError: It ended, or was not ready in time; with the end of its log.
        """
        command = [sys.executable, "-m", "workers", "worker"]
        self.processes.start(self.name, command, self.environment, self.log_path)
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
        status = self.processes.wait(self.name, seconds)
        return None if status is None else how_ended(status)

    def stop(self) -> None:
        """Let it finish what it has in hand, but not for long: what is left is done next time."""
        if self.pid is not None:
            self.processes.signal(self.name, signal.SIGTERM)
            if self.processes.wait(self.name, STOP_S) is None:
                self.processes.signal(self.name, signal.SIGKILL)
                self.processes.wait(self.name, STOP_S)

    def _is_ready(self) -> bool:
        try:
            status, _ = self.sidecar.get("/health/ready")
        except (OSError, HTTPException):
            return False
        return status == HTTP_OK

    def _missing(self) -> str:
        try:
            _, body = self.sidecar.get("/health")
            return json.dumps(json.loads(body))
        except (OSError, HTTPException, ValueError):
            return "its sidecar does not answer"
