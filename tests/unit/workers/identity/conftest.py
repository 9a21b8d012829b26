"""What the tests of the identity worker share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.workers.identity.identity_in_memory import IdentityInMemory, identity_in_memory


@pytest.fixture
def in_memory(tmp_path: Path) -> Iterator[IdentityInMemory]:
    with identity_in_memory(tmp_path) as in_memory:
        yield in_memory
