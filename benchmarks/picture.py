"""The curve as one picture; `python -m benchmarks.picture result.json curve.png` draws it again.

matplotlib draws it, which is no part of the development environment: `make bench` installs it.
"""

import argparse
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import orjson

from benchmarks.curve import JUDGED_SHARE
from benchmarks.report import THIRD_CPU, THIRD_P99, Bar

INCHES = (9.0, 10.0)
DOTS_PER_INCH = 130

LATENCIES = {"p50_ms": ("p50", "#0072b2"), "p99_ms": ("p99", "#d55e00")}
PROCESSES = {"worker": "#d55e00", "mongod": "#009e73", "kafka": "#0072b2", "sender": "#999999"}
"""In colours that nobody takes for one another (Okabe and Ito's)."""

BAR_COLOR = "#b00020"

HOW_TO_INSTALL = ".venv/bin/python requirements/install.py requirements/bench.txt"


def can_draw() -> bool:
    """Say whether matplotlib is there."""
    return find_spec("matplotlib") is not None


def draw(document: Mapping[str, Any], path: Path) -> None:
    """Draw what `--out` keeps of a run with a curve; the file's ending says in which format."""
    details: Mapping[str, Any] = document["details"]
    points: Sequence[Mapping[str, Any]] = details["curve"]
    figure: Any = import_module("matplotlib.figure").Figure(figsize=INCHES, layout="constrained")
    figure.suptitle(title(document), fontsize=11)
    above, below = figure.subplots(2, 1, sharex=True)
    rates = [point["per_s"] for point in points]
    for part, (label, color) in LATENCIES.items():
        above.plot(rates, [point[part] for point in points], "o-", color=color, label=label)
    for process, color in PROCESSES.items():
        costs = [point["cpu_us"][process] for point in points]
        below.plot(rates, costs, "o-", color=color, label=process)
    above.set_ylabel("from due to answered, ms (log scale)")
    below.set_ylabel("CPU per command, µs (log scale)")
    below.set_xlabel("offered rate, commands/s")
    judged = next(point["per_s"] for point in points if point["share"] == JUDGED_SHARE)
    idle_ms: float = document["idle_ms"]["p50"]
    backlog_us: float = details["cpu_us_per_command"]["ours"]["worker"]
    _bar(above, judged, "p99", THIRD_P99, (idle_ms, "idle p50", "ms"))
    _bar(below, judged, "worker", THIRD_CPU, (backlog_us, "worker in the backlog", "µs"))
    _axes(above, below, document["ours_per_s"])
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=DOTS_PER_INCH)


def title(document: Mapping[str, Any]) -> str:
    """Return what was measured, on what."""
    details: Mapping[str, Any] = document["details"]
    machine = details["machine"]
    return (
        "Steady load: latency and CPU per command over the offered rate\n"
        f"commit {details['commit']}; {machine['processor']}, {machine['cores']} cores for worker, "
        f"MongoDB, Kafka and sender\nbacklog rate of this run: {document['ours_per_s']:,.0f}/s"
    )


def _bar(axes: Any, judged: float, judges: str, bar: Bar, floor: tuple[float, str, str]) -> None:
    """Draw the most that *judges* may reach at the judged rate, and what it is a multiple of."""
    value, name, unit = floor
    limit = value * bar.limit
    axes.axhline(value, color="black", linestyle=":", label=f"{name}: {value:,.1f} {unit}")
    axes.axvline(judged, color=BAR_COLOR, linestyle=":", linewidth=1)
    axes.hlines(
        [limit],
        judged * 0.85,
        judged * 1.15,
        color=BAR_COLOR,
        linewidth=4,
        label=(
            f"bar at {JUDGED_SHARE:.0%} of the backlog rate:\n"
            f"{judges} ≤ {bar.limit:g} x {name} = {limit:,.0f} {unit}"
        ),
    )


def _axes(above: Any, below: Any, backlog_per_s: float) -> None:
    """Say on every axis what it counts."""
    ticker: Any = import_module("matplotlib.ticker")
    for axes in (above, below):
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_minor_formatter(ticker.NullFormatter())
        axes.grid(visible=True, alpha=0.3)
        axes.set_xlim(0, backlog_per_s)
        axes.xaxis.set_major_formatter(ticker.StrMethodFormatter("{x:,.0f}"))
        axes.yaxis.set_major_formatter(ticker.StrMethodFormatter("{x:,.0f}"))
        axes.legend(loc="best", fontsize=9)

    def per_cent(rate: float) -> float:
        return rate / backlog_per_s * 100

    def rate_of(share: float) -> float:
        return share * backlog_per_s / 100

    shares = above.secondary_xaxis("top", functions=(per_cent, rate_of))
    shares.set_xlabel("offered, % of the backlog rate")


def main() -> None:
    """Draw the figures of an earlier run."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.picture", description=__doc__)
    parser.add_argument("figures", type=Path, help="what `python -m benchmarks --out` wrote")
    parser.add_argument("picture", type=Path, help="the file to write: .png, .svg or .pdf")
    given = parser.parse_args()
    if not can_draw():
        parser.error(f"matplotlib draws it, and is not there; get it by {HOW_TO_INSTALL}")
    draw(orjson.loads(given.figures.read_bytes()), given.picture)


if __name__ == "__main__":
    main()
