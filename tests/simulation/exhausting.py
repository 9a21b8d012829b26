"""Runs what `tests.simulation.exhaustive` lists, on all cores: all of it, or a sample."""

# ruff: noqa: T201 - this is what it is for

import multiprocessing
import sys
from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import TypeVar

from tests.simulation.exhaustive import (
    crashes,
    pairs,
    places_of,
    second_crashes,
    short_histories,
    singles,
)
from tests.simulation.fates import Place
from tests.simulation.network import Fate
from tests.simulation.runs import run

CHUNK = 50
"""Scripts that a process runs before it says how far it is."""

PAIRS_FOR_EACH = 1
"""Pairs drawn for each script with one failing call; there are millions of pairs."""

Scripts = Sequence[dict[Place, Fate]]
Given = TypeVar("Given")


def scripts_of(number: int, sample: int) -> Scripts:
    """Return *sample* scripts of one failing call and as many of two; all of them if it is 0."""
    places = places_of(short_histories()[number])
    random = Random(f"exhaustive {number} {sample}")
    alone = [dict(each) for each in singles(places)]
    if sample:
        alone = random.sample(alone, min(sample, len(alone)))
    return [*alone, *map(dict, pairs(places, PAIRS_FOR_EACH * len(alone), random))]


def run_scripts(given: tuple[int, Scripts]) -> tuple[int, list[str]]:
    """Run these scripts of one history; return how many, and what was found."""
    number, scripts = given
    history = short_histories()[number]
    found: list[str] = []
    for script in scripts:
        report = run(history, script=script)
        if report.violations:
            name = history.senders[0].name
            found.append(f"{name}: {script}: {report.violations[0]}")
    return len(scripts), found


def run_crashes(given: tuple[int, dict[Place, Fate]]) -> tuple[int, list[str]]:
    """Run one history with that crash, and with each other crash behind it."""
    number, first = given
    scripts = second_crashes(short_histories()[number], first)
    return run_scripts((number, [dict(each) for each in scripts]))


def exhaust_crashes(sample: int, processes: int) -> list[str]:
    """Crash once and twice at every call, or first at a *sample* of each history's."""
    firsts: list[tuple[int, dict[Place, Fate]]] = []
    for number, history in enumerate(short_histories()):
        points = [dict(each) for each in crashes(places_of(history), before=True)]
        random = Random(f"crashes {number} {sample}")
        chosen = random.sample(points, min(sample, len(points))) if sample else points
        firsts += [(number, each) for each in chosen]
    return _all_of(run_crashes, firsts, processes, "first crashes")


def exhaust(sample: int, processes: int) -> list[str]:
    """Run all, or a *sample* of each history; print what comes of it and return what was found."""
    return _all_of(run_scripts, [*_chunks(sample)], processes, "chunks of failing calls")


def _all_of(
    work: Callable[[Given], tuple[int, list[str]]],
    given: Sequence[Given],
    processes: int,
    title: str,
) -> list[str]:
    scripts, found = 0, list[str]()
    with multiprocessing.get_context("spawn").Pool(processes, maxtasksperchild=20) as pool:
        for ended, (count, those) in enumerate(pool.imap_unordered(work, given), 1):
            scripts += count
            found += those
            line = f"{ended:,} of {len(given):,} {title}, {scripts:,} scripts, {len(found)} FAILED"
            print(f"\r{line}  ", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    print(f"scripts      {scripts:,}")
    print(f"violations   {len(found):,}")
    print(*sorted(found), sep="\n")
    return found


def _chunks(sample: int) -> Iterator[tuple[int, Scripts]]:
    for number in range(len(short_histories())):
        scripts = scripts_of(number, sample)
        for start in range(0, len(scripts), CHUNK):
            yield number, scripts[start : start + CHUNK]
