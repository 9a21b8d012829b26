"""Both distributions, built once, and the service that a client which is installed alone talks to."""

import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import caller, installed, pytest_collection_modifyitems, service
from tests.install.alone import run
from tests.install.built import Built
from tests.places import REPOSITORY

__all__ = ["caller", "installed", "pytest_collection_modifyitems", "service"]


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Build with the tools that are installed where the tests run, as the image does."""
    folder = tmp_path_factory.mktemp("dist")
    here = [f"BIN={Path(sys.executable).parent}", f"OUT={folder}"]
    ended = run(["make", "--old-file=install", "dist", *here], REPOSITORY)
    assert ended.returncode == 0, ended
    return Built(folder)
