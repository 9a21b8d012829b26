"""Waiting on conditions, never on a clock alone."""

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path

PATIENCE_S = 120.0
"""Far more than anything here takes on a machine that others keep busy."""


async def eventually(is_so: Callable[[], bool]) -> None:
    """Return as soon as the condition holds; fail when it does not in time."""
    deadline = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline, "waited in vain"
        await asyncio.sleep(0.02)


def is_running(pid: int) -> bool:
    """Say whether a process exists and is not a zombie."""
    try:
        os.kill(pid, 0)
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except (ProcessLookupError, FileNotFoundError):
        return False
