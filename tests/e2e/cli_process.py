"""Runs `accounts` as a user or a script does: with input, in the background, until a signal."""

import os
import subprocess
import sys
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tests.places import REPOSITORY

PATIENCE_S = 240.0
"""Far more than any of these commands takes on a machine that others keep busy."""


@dataclass(frozen=True)
class Program:
    """`accounts` in a folder, with exactly these settings."""

    cwd: Path
    environ: Mapping[str, str]

    def run(self, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command to its end with *given* as its input."""
        return subprocess.run(
            self._argv(arguments),
            cwd=self.cwd,
            env=self.environment(),
            input=given,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )

    @contextmanager
    def running(self, *arguments: str) -> Generator[subprocess.Popen[str]]:
        """Run a command in the background and kill it at the end, if it still runs."""
        with subprocess.Popen(
            self._argv(arguments),
            cwd=self.cwd,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    def _argv(self, arguments: tuple[str, ...]) -> list[str]:
        return [sys.executable, "-m", "workers", *arguments]

    def environment(self) -> dict[str, str]:
        """Return what it finds there: none of the tests' own settings."""
        others = {
            name: value for name, value in os.environ.items() if not name.startswith("ACCOUNTS_")
        }
        return {**others, "PYTHONPATH": str(REPOSITORY), **self.environ}


def read_until(process: subprocess.Popen[str], wanted: str) -> str:
    """Return what *process* prints up to and with the line that contains *wanted*."""
    lines = ""
    deadline = time.monotonic() + PATIENCE_S
    output: IO[str] | None = process.stdout
    assert output is not None
    for line in output:
        lines += line
        if wanted in line:
            return lines
        assert time.monotonic() < deadline, lines
    raise AssertionError(f"ended without {wanted!r}: {lines}")
