"""Makes a failing history small: fewer records, fewer disturbances, fewer fates (delta debugging)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from tests.simulation.fates import Place
from tests.simulation.history import Disturbance, History, Sender, Unit
from tests.simulation.network import Fate
from tests.simulation.runs import Report, run

Part = TypeVar("Part")

RUNS_MAX = 150
"""Tries: enough for a history of this size, and over within half a minute."""


@dataclass(frozen=True, slots=True)
class Scripted:
    """A history, and all that goes wrong in it."""

    history: History
    script: Mapping[Place, Fate]

    def run(self, lines: list[str] | None = None) -> Report:
        """Run it."""
        return run(self.history, script=self.script, lines=lines)


def kinds_of(report: Report) -> set[str]:
    """Return which promises were broken."""
    return {violation.partition(":")[0] for violation in report.violations}


def shrunk(report: Report) -> Scripted:
    """Return the smallest found that breaks one of the promises that *report* broke."""
    broken = kinds_of(report)
    left = RUNS_MAX

    def fails(candidate: Scripted) -> bool:
        nonlocal left
        left -= 1
        return left > 0 and bool(kinds_of(candidate.run()) & broken)

    found = Scripted(report.history, report.schedule.struck)
    if not fails(found):
        return found  # by the script alone it does not fail: it is shown as it is
    while left > 0:
        smaller = _fates(_disturbances(_units(found, fails), fails), fails)
        if smaller == found:
            break
        found = smaller
    return found


def _fates(found: Scripted, fails: Callable[[Scripted], bool]) -> Scripted:
    parts = _minimal([*found.script.items()], lambda rest: fails(replace(found, script=dict(rest))))
    return replace(found, script=dict(parts))


def _disturbances(found: Scripted, fails: Callable[[Scripted], bool]) -> Scripted:
    def those(rest: Sequence[Disturbance]) -> Scripted:
        return replace(found, history=replace(found.history, disturbances=tuple(rest)))

    return those(_minimal(found.history.disturbances, lambda rest: fails(those(rest))))


def _units(found: Scripted, fails: Callable[[Scripted], bool]) -> Scripted:
    sent = [(sender, unit) for sender in found.history.senders for unit in sender.units]

    def those(rest: Sequence[tuple[Sender, Unit]]) -> Scripted:
        senders = tuple(
            replace(sender, units=units)
            for sender in found.history.senders
            if (units := tuple(unit for of, unit in rest if of.name == sender.name))
        )
        return replace(found, history=replace(found.history, senders=senders))

    return those(_minimal(sent, lambda rest: fails(those(rest))))


def _minimal(parts: Sequence[Part], fails: Callable[[Sequence[Part]], bool]) -> Sequence[Part]:
    """Return some of *parts* with which it still fails: ever smaller chunks are left out."""
    size = len(parts)
    while size >= 1 and parts:
        start = 0
        while start < len(parts):
            rest = [*parts[:start], *parts[start + size :]]
            if fails(rest):
                parts = rest
            else:
                start += size
        size //= 2
    return parts
