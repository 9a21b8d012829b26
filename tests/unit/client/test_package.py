"""What `client` offers by name, each loaded when it is first used."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import client
from tests.places import REPOSITORY


@pytest.mark.parametrize("name", client.__all__)
def test_every_name_is_there(name: str) -> None:
    assert getattr(client, name).__name__ == name


def test_nothing_else_is() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = client.nothing  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownVariableType]


def test_who_verifies_tokens_loads_no_kafka(tmp_path: Path) -> None:
    script = (
        "import sys; from client import verify_access_token; sys.exit('aiokafka' in sys.modules)"
    )
    environ = os.environ | {"PYTHONPATH": str(REPOSITORY)}

    ended = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, env=environ, check=False)

    assert ended.returncode == 0
