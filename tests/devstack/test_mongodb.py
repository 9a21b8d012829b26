"""What mongod is started with."""

import pytest

from devstack.mongodb import cache_gib, eviction

GIB = 2**30


@pytest.mark.parametrize(
    ("memory_gib", "expected"), [(0.5, 0.25), (4, 1.0), (8, 2.0), (16, 4.0), (256, 4.0)]
)
def test_the_cache_is_a_quarter_of_the_memory_within_bounds(
    memory_gib: float, expected: float
) -> None:
    assert cache_gib(round(memory_gib * GIB)) == expected


@pytest.mark.parametrize(("cores", "threads"), [(1, 1), (2, 1), (4, 2), (64, 4)])
def test_evicting_takes_half_of_the_cores_at_most(cores: int, threads: int) -> None:
    assert eviction(cores) == f"eviction=(threads_min={threads},threads_max={threads})"
