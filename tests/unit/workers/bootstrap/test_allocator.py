"""That memory which is free again does not stay with us."""

import subprocess
import sys

import pytest

PROGRAM = """
import sys
from workers.bootstrap.allocator import LARGE_BYTES, give_large_buffers_back

def resident_mb():
    return int(open("/proc/self/statm").read().split()[1]) * 4096 / 2**20

if sys.argv[1] == "ours" and not give_large_buffers_back():
    print("cannot")
    sys.exit()
bytearray(16 * 2**20)  # from now on, glibc takes what is smaller from the heap
before, small = resident_mb(), []
for _ in range(50):
    large = [bytearray(4 * LARGE_BYTES) for _ in range(4)]
    small.append(bytearray(2048))
    kept = large if len(small) == 1 else kept + large
del large, kept
print(resident_mb() - before)
"""


def kept_mb(whose: str) -> float:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, whose], capture_output=True, text=True, check=True
    )
    if done.stdout == "cannot\n":
        pytest.skip("another C library")
    return float(done.stdout)


def test_large_buffers_are_given_back_though_small_ones_stay() -> None:
    assert kept_mb("glibc's own") > 150
    assert kept_mb("ours") < 5
