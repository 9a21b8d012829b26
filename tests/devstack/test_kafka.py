"""What Kafka is started with."""

from pathlib import Path

import pytest

from devstack.kafka import COMPILED_QUICKLY, plan


@pytest.mark.parametrize("short_lived", [False, True])
def test_only_a_short_lived_one_is_compiled_quickly(tmp_path: Path, *, short_lived: bool) -> None:
    planned = plan(tmp_path, (9092, 9093), Path("java"), [], short_lived=short_lived)
    assert (COMPILED_QUICKLY in planned.argv) is short_lived
