"""The service that the foreign clients talk to; what takes long to build is begun with the run."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import installed, pytest_collection_modifyitems, service
from tests.places import REPOSITORY

__all__ = ["installed", "pytest_collection_modifyitems", "service"]

HERE = Path(__file__).parent
BUILDER = pytest.StashKey["subprocess.Popen[bytes]"]()
NICELY = ["nice", "-n", "19"]
"""In the time that other tests wait."""


def pytest_collection_finish(session: pytest.Session) -> None:
    """Begin to build where these tests are among others, in one process of the run."""
    is_first = os.environ.get("PYTEST_XDIST_WORKER", "gw0") == "gw0"
    elsewhere = [item for item in session.items if HERE not in item.path.parents]
    ours = len(session.items) - len(elsewhere)
    if not (is_first and elsewhere and ours) or session.config.option.collectonly:
        return
    session.config.stash[BUILDER] = subprocess.Popen(
        [*NICELY, sys.executable, "-m", "tests.foreign_clients.ahead"],
        cwd=REPOSITORY,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Let nothing of it outlive the run."""
    ahead = session.config.stash.get(BUILDER, None)
    if ahead is not None:
        if ahead.poll() is None:
            os.killpg(ahead.pid, signal.SIGKILL)
        ahead.wait()
