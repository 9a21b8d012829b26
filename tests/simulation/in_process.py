"""Runs the simulator as `make simulate` does: in a process in which nothing hangs on the hash seed."""

import os
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]

LONGEST_S = 1800.0
"""Far more than the histories of one test take on a slow machine."""


def simulated(*arguments: str, hash_seed: str = "0") -> subprocess.CompletedProcess[str]:
    """Return what `python -m tests.simulation` said."""
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.simulation", *arguments],
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=LONGEST_S,
        check=False,
    )
