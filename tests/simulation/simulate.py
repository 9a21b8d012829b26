"""Runs many histories on all cores, or one with everything that happens in it."""

# ruff: noqa: T201 - this is what it is for

import gc
import multiprocessing
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tests.simulation.histories import drawn
from tests.simulation.runs import run
from tests.simulation.showing import sent, told

CHUNK = 20
"""Seeds that a process runs before it says how far it is."""

CHUNKS_MAX = 20
"""Chunks of one process before another one takes its place: whatever it keeps is given back."""

COLLECTED = 100
"""Histories between two collections of garbage: each leaves a megabyte, and a collection takes as long
as several of them where it comes when Python thinks that it should."""

SHOWN_MAX = 5
"""Failing seeds that are shrunk and shown; the others are named."""


@dataclass(slots=True)
class Sums:
    """What some histories came to."""

    histories: int = 0
    records: int = 0
    calls: int = 0
    disturbed: int = 0
    faults: Counter[str] = field(default_factory=Counter[str])
    violations: dict[int, list[str]] = field(default_factory=dict[int, list[str]])

    def add(self, other: "Sums") -> None:
        """Take *other* in."""
        self.histories += other.histories
        self.records += other.records
        self.calls += other.calls
        self.disturbed += other.disturbed
        self.faults += other.faults
        self.violations |= other.violations


def run_seeds(seeds: Sequence[int]) -> Sums:
    """Run these seeds in this process."""
    sums = Sums()
    collect_seldom()
    for seed in seeds:
        history = drawn(seed)
        report = run(history)
        sums.histories += 1
        if seed % COLLECTED == 0:
            gc.collect()
        sums.records += history.records
        sums.calls += report.schedule.calls
        struck = Counter(name.partition(" ")[0] for name in report.schedule.counts.elements())
        sums.faults += struck + Counter(one.blow.value for one in history.disturbances)
        sums.disturbed += bool(struck or history.disturbances)
        if report.violations:
            sums.violations[seed] = report.violations
    return sums


def collect_seldom() -> None:
    """Leave alone what was there before any history, and collect when we say so."""
    if gc.isenabled():
        run(drawn(0))  # imports and caches the rest
        gc.disable()
        gc.collect()
        gc.freeze()


def _chunks(first: int, count: int) -> Iterator[Sequence[int]]:
    for start in range(first, first + count, CHUNK):
        yield range(start, min(start + CHUNK, first + count))


def simulate(first: int, count: int, processes: int) -> Sums:
    """Run *count* seeds from *first* on, telling how far it is."""
    sums, started_s = Sums(), time.monotonic()
    context = multiprocessing.get_context("spawn")
    with context.Pool(processes, maxtasksperchild=CHUNKS_MAX) as pool:
        for done in pool.imap_unordered(run_seeds, _chunks(first, count)):
            sums.add(done)
            for seed, found in done.violations.items():
                print(f"\rseed {seed}: {found[0][:200]}", file=sys.stderr, flush=True)
            spent_s = time.monotonic() - started_s
            rate = sums.histories / spent_s
            left_s = (count - sums.histories) / rate
            bad = f", {len(sums.violations)} FAILED" if sums.violations else ""
            line = f"{sums.histories:,} of {count:,} histories, {rate:.1f}/s, {left_s:,.0f} s to go{bad}"
            print(f"\r{line}  ", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return sums


def report(sums: Sums, seconds: float, processes: int) -> None:
    """Print the table at the end, and the first failing seeds shrunk."""
    rate = sums.histories / seconds
    print(
        f"histories    {sums.histories:,} in {seconds:,.0f} s: {rate:.1f}/s on {processes} processes"
    )
    print(f"disturbed    {sums.disturbed:,}")
    print(f"records      {sums.records:,}")
    print(f"calls        {sums.calls:,}")
    for name, count in sums.faults.most_common():
        print(f"  {name:<26} {count:,}")
    print(f"violations   {len(sums.violations):,}")
    for seed in sorted(sums.violations):
        print(f"  seed {seed}: {sums.violations[seed][0][:200]}")
    for seed in sorted(sums.violations)[:SHOWN_MAX]:
        show(seed, whole=False)


def show(seed: int, *, whole: bool) -> bool:
    """Run one seed; print its schedule if *whole* or where it fails; return whether it is right."""
    lines: list[str] = []
    found = run(drawn(seed), lines=lines)
    if whole:
        print(*sent(found.history), *lines, sep="\n")
    if found.violations:
        print(*told(found), sep="\n")
    else:
        print(f"seed {seed}, digest {found.digest}: nothing is wrong")
    return not found.violations
