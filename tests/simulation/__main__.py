"""`make simulate`: many histories on all cores, or one with everything that happens in it."""

import argparse
import os
import sys
import time

from tests.simulation.exhausting import exhaust, exhaust_crashes
from tests.simulation.simulate import report, show, simulate

HASH_SEED = "0"
"""Libraries go through sets of names, whose order hangs on it."""


def main() -> int:
    """Return 0 where nothing was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=1000, help="how many histories")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--seed", type=int, help="this one alone, with its schedule")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument(
        "--exhaustive", type=int, metavar="N", help="N scripts of failing calls each; 0 for all"
    )
    parser.add_argument(
        "--crashes", type=int, metavar="N", help="crash once and twice; N first crashes, 0 for all"
    )
    given = parser.parse_args()
    if given.crashes is not None:
        return 1 if exhaust_crashes(given.crashes, given.processes) else 0
    if given.exhaustive is not None:
        return 1 if exhaust(given.exhaustive, given.processes) else 0
    if given.seed is not None:
        return 0 if show(given.seed, whole=True) else 1
    started_s = time.monotonic()
    sums = simulate(given.first, given.seeds, given.processes)
    report(sums, time.monotonic() - started_s, given.processes)
    return 1 if sums.violations else 0


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != HASH_SEED:
        again = [sys.executable, "-m", "tests.simulation", *sys.argv[1:]]
        os.execve(sys.executable, again, {**os.environ, "PYTHONHASHSEED": HASH_SEED})
    sys.exit(main())
