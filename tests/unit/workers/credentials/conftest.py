"""What the tests of the hashing of new accounts' passwords share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.workers.credentials.in_memory import HashingInMemory
from workers.credentials.hashing import LowPriorityPool


@pytest.fixture
def hashing(tmp_path: Path) -> Iterator[HashingInMemory]:
    pool = LowPriorityPool("hashing", 1)
    yield HashingInMemory(tmp_path / "keys", pool)
    pool.close()
