"""Windows of two checkouts in pairs: whose turn it is, the ratios, and the table. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from rich.console import Console
from rich.table import Table

from benchmarks.figures import Window, median
from benchmarks.report import Bar, at

Side: TypeAlias = Literal["ours", "baseline"]

SIDES: tuple[Side, Side] = ("ours", "baseline")

PROCESSES = ("worker", "mongod", "kafka")

BAR = Bar("worker's CPU over the baseline's, median", at("worker_cpu_ratio"), 1.03, "x")
"""A change may cost what the median of seven pairs does not tell from nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """What each came to, the parts of their backlogs having taken turns."""

    ours: Window
    baseline: Window

    def ratio(self, process: str) -> float:
        """Return what a command costs *process* with our code, over the baseline's."""
        return self.ours.cpu_us[process] / self.baseline.cpu_us[process]


def order(number: int) -> tuple[Side, Side]:
    """Return who goes first in the *number*-th turn.

    One after the other: a machine that grows slower and slower would otherwise burden one side
    only.
    """
    return ("baseline", "ours") if number % 2 == 0 else ("ours", "baseline")


def joined(parts: Sequence[Window]) -> Window:
    """Return what several parts of one length come to."""
    assert len({part.commands for part in parts}) == 1, "the mean would have to be weighted"
    return Window(
        commands=sum(part.commands for part in parts),
        seconds=sum(part.seconds for part in parts),
        wall_s=sum(part.wall_s for part in parts),
        cpu_us={
            process: round(sum(part.cpu_us[process] for part in parts) / len(parts), 2)
            for process in parts[0].cpu_us
        },
    )


def compared(pairs: Sequence[Pair]) -> dict[str, Any]:
    """Return the figures of the JSON: the median ratios, and all that they come from."""
    rates = [pair.ours.per_s / pair.baseline.per_s for pair in pairs]
    return {
        **{
            f"{process}_cpu_ratio": round(median([pair.ratio(process) for pair in pairs]), 4)
            for process in PROCESSES
        },
        "per_s_ratio": round(median(rates), 4),
        "pairs": [
            {
                "order": order(number),
                "worker_cpu_ratio": round(pair.ratio("worker"), 4),
                "ours": _figures(pair.ours),
                "baseline": _figures(pair.baseline),
            }
            for number, pair in enumerate(pairs)
        ],
    }


def _figures(window: Window) -> dict[str, Any]:
    return {
        "commands": window.commands,
        "per_s": round(window.per_s, 1),
        "cpu_us_per_command": dict(window.cpu_us),
    }


def show(console: Console, figures: Mapping[str, Any], checkouts: Mapping[Side, str]) -> None:
    """Print each pair's figures, ours before the baseline's, and what they come to."""
    title = f"CPU per command in µs: ours ({checkouts['ours']}) | baseline"
    table = Table(
        "Pair",
        *PROCESSES,
        "commands/s",
        "worker's ratio",
        title=f"{title} ({checkouts['baseline']})",
    )
    for number, pair in enumerate(figures["pairs"], 1):
        costs = [
            f"{pair['ours']['cpu_us_per_command'][process]:.1f} | "
            f"{pair['baseline']['cpu_us_per_command'][process]:.1f}"
            for process in PROCESSES
        ]
        rates = f"{pair['ours']['per_s']:,.0f} | {pair['baseline']['per_s']:,.0f}"
        table.add_row(str(number), *costs, rates, f"{pair['worker_cpu_ratio']:.3f}")
    medians = [f"{figures[f'{process}_cpu_ratio']:.3f}" for process in PROCESSES]
    table.add_section()
    table.add_row("median ratio", *medians, f"{figures['per_s_ratio']:.3f}", medians[0])
    console.print(table)
    ratios = [pair["worker_cpu_ratio"] for pair in figures["pairs"]]
    verdict = "[green]pass[/]" if BAR.passed(figures) else "[red]FAIL[/]"
    console.print(
        f"{BAR.label}: {figures['worker_cpu_ratio']:.3f} (bar ≤ {BAR.limit}, {verdict}); "
        f"pairs from {min(ratios):.3f} to {max(ratios):.3f}"
    )
