"""Tells of a failing run: seed, what broke, the shrunk history, and its schedule."""

from collections.abc import Iterator

from tests.simulation.history import History
from tests.simulation.runs import Report
from tests.simulation.shrinking import Scripted, shrunk


def told(report: Report) -> Iterator[str]:
    """Yield lines on a failing *report*, and on the smallest run that fails like it."""
    yield f"seed {report.history.seed}, digest {report.digest}:"
    yield from (f"  {violation}" for violation in report.violations)
    smallest = shrunk(report)
    lines: list[str] = []
    again = smallest.run(lines)
    yield f"shrunk to {smallest.history.records} records and {len(smallest.script)} fates:"
    yield from sent(smallest.history)
    yield from _fates(smallest)
    yield from (f"  {violation}" for violation in again.violations)
    yield "its schedule:"
    yield from lines


def sent(history: History) -> Iterator[str]:
    """Yield what is sent and what happens."""
    roles = ", ".join(sorted(history.roles))
    yield f"  {history.workers} workers ({roles}), {history.partitions} partitions"
    for name, wrong in history.clocks.items():
        yield f"  the clock of {name} is wrong by {wrong.offset_s:.3f} s and {wrong.drift:.6f}"
    for sender in history.senders:
        yield f"  {sender.name} waits for {sender.waits.value}:"
        for unit in sender.units:
            for record in unit.records:
                value = (record.value or b"").decode(errors="replace")
                yield f"    {unit.pause_s:.3f} s, {unit.ends.value}: {record.topic} {value[:160]}"
    for one in history.disturbances:
        yield f"  at {one.at_s:.3f} s: {one.blow.value} {one.which}, for {one.lasts_s} s"


def _fates(found: Scripted) -> Iterator[str]:
    for (process, operation, number), fate in found.script.items():
        yield f"  {process} {operation} #{number}: {fate}"
