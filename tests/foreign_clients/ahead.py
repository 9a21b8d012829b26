"""Downloads and compiles what the foreign programs need, so that it is in the caches later."""

import tempfile
from contextlib import suppress
from pathlib import Path

import pytest

from tests.foreign_clients.jars import java_jars
from tests.foreign_clients.programs import go, one_at_a_time

if __name__ == "__main__":
    with one_at_a_time("java"):
        java_jars()
    # Where there is no Go, or it fails, the test says so.
    with (
        tempfile.TemporaryDirectory() as temporary,
        suppress(pytest.skip.Exception, AssertionError),
    ):
        go(Path(temporary))
