"""The table at the end, and the same as JSON: every figure beside the bar it must clear."""

import os
import platform
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeAlias

from rich.console import Console
from rich.table import Table

Figures: TypeAlias = Mapping[str, Any]

FIGURES = (
    "ours_per_s",
    "ordinary_per_s",
    "ceiling_per_s",
    "hot_per_s",
    "zipf_per_s",
    "idle_ms",
    "paced_500_ms",
    "paced_2000_ms",
    "flood_ratio",
    "dead_reply_ratio",
    "worker_rss_mb",
    "worker_rss_growth",
    "third_p99_ratio",
    "third_cpu_ratio",
    "verified",
)
"""What the JSON has at its top, null where a scenario did not run."""

PACKAGES = ("faststream", "aiokafka", "pymongo", "orjson", "pydantic", "uvloop")


@dataclass(frozen=True, slots=True)
class Bar:
    """What a figure must reach."""

    label: str
    value: Callable[[Figures], float | None]
    limit: float
    unit: str = ""
    at_least: bool = False
    """Whether more is better."""

    def passed(self, figures: Figures) -> bool | None:
        """Say whether the bar is cleared; None where it was not measured."""
        value = self.value(figures)
        if value is None:
            return None
        return value >= self.limit if self.at_least else value <= self.limit


def at(name: str, part: str | None = None) -> Callable[[Figures], float | None]:
    """Return a reader of one figure, or of one part of it."""

    def read(figures: Figures) -> float | None:
        value = figures.get(name)
        return value if value is None or part is None else value[part]

    return read


def ratio(above: str, below: str) -> Callable[[Figures], float | None]:
    """Return a reader of the quotient of two figures."""

    def read(figures: Figures) -> float | None:
        top, bottom = figures.get(above), figures.get(below)
        return top / bottom if top is not None and bottom else None

    return read


THIRD_P99 = Bar("a third of the backlog rate, p99 over idle p50", at("third_p99_ratio"), 12, "x")
THIRD_CPU = Bar("a third of it, worker CPU over the backlog's", at("third_cpu_ratio"), 1.6, "x")

BARS = (
    Bar("backlog, commands/s", at("ours_per_s"), 10_000, at_least=True),
    Bar("over the ordinary worker", ratio("ours_per_s", "ordinary_per_s"), 60, "x", at_least=True),
    Bar("over the ceiling", ratio("ours_per_s", "ceiling_per_s"), 0.35, at_least=True),
    Bar("hot account over uniform", ratio("hot_per_s", "ours_per_s"), 0.75, at_least=True),
    Bar("idle, p50", at("idle_ms", "p50"), 20, " ms"),
    Bar("idle, p99", at("idle_ms", "p99"), 50, " ms"),
    Bar("steady 2,000/s, p99", at("paced_2000_ms", "p99"), 150, " ms"),
    Bar("money beside a registration flood, p99", at("flood_ratio"), 2, "x"),
    Bar("others beside a dead reply topic, p99", at("dead_reply_ratio"), 2, "x"),
    THIRD_P99,
    THIRD_CPU,
    Bar("worker memory", at("worker_rss_mb"), 200, " MB"),
    Bar("worker memory, end over first fifth", at("worker_rss_growth"), 1.1, "x"),
)
"""The bars of the service, for two cores shared by worker, Kafka and MongoDB."""


def passes(figures: Figures) -> dict[str, bool | None]:
    """Return which bars are cleared."""
    return {bar.label: bar.passed(figures) for bar in BARS}


def show(console: Console, figures: Figures, details: Mapping[str, Any]) -> None:
    """Print everything that a reader needs to judge the run."""
    console.print(_bars(figures))
    console.print(_rates(figures))
    if points := details.get("curve"):
        console.print(_curve(points))
    console.print(_cpu(details.get("cpu_us_per_command", {})))
    settings = (details.get(part, {}) for part in ("machine", "plan", "worker"))
    console.print(_settings([pair for part in settings for pair in part.items()]))


def _bars(figures: Figures) -> Table:
    table = Table("What", "Measured", "Bar", "", title="Bars")
    verdicts = {True: "[green]pass[/]", False: "[red]FAIL[/]", None: "not measured"}
    for bar in BARS:
        value = bar.value(figures)
        measured = "" if value is None else f"{_number(value)}{bar.unit}"
        limit = f"{'≥' if bar.at_least else '≤'} {_number(bar.limit)}{bar.unit}"
        table.add_row(bar.label, measured, limit, verdicts[bar.passed(figures)])
    verified = figures.get("verified")
    books = {True: "clean", False: "not clean", None: ""}
    table.add_row("accounts verify", books[verified], "clean", verdicts[verified])
    return table


def _rates(figures: Figures) -> Table:
    table = Table("Figure", "Value", title="Figures")
    for name in FIGURES:
        value = figures.get(name)
        match value:
            case None:
                continue
            case {"p50": p50, "p99": p99}:
                table.add_row(name, f"p50 {_number(p50)}  p99 {_number(p99)}")
            case bool():
                table.add_row(name, "yes" if value else "no")
            case _:
                table.add_row(name, _number(value))
    return table


def _curve(points: Iterable[Mapping[str, Any]]) -> Table:
    table = Table(
        "Offered, of the backlog rate",
        "commands/s",
        "p50",
        "p99",
        "unanswered",
        title="Steady load",
    )
    for point in points:
        share, missing = f"{point['share']:.0%}", point["unanswered"]
        p50, p99 = f"{_number(point['p50_ms'])} ms", f"{_number(point['p99_ms'])} ms"
        table.add_row(share, _number(point["per_s"]), p50, p99, f"{missing:,}" if missing else "")
    return table


def _cpu(costs: Mapping[str, Mapping[str, float]]) -> Table:
    names = sorted({name for cost in costs.values() for name in cost})
    table = Table("CPU per command, µs", *names, title="What it costs")
    for scenario, cost in costs.items():
        table.add_row(scenario, *(_number(cost[name]) if name in cost else "" for name in names))
    return table


def _settings(settings: Iterable[tuple[str, Any]]) -> Table:
    table = Table("Setting", "Value", title="Measured with")
    for name, value in settings:
        table.add_row(name, ", ".join(map(str, value)) if _is_list(value) else str(value))
    return table


def _is_list(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:,.2f}".rstrip("0").rstrip(".")


def machine() -> dict[str, Any]:
    """Return what the figures were measured on."""
    processor = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        if line.startswith("model name")
    ]
    return {
        "cores": len(os.sched_getaffinity(0)),
        "processor": processor[0] if processor else platform.processor(),
        "python": platform.python_version(),
        **{name: version(name) for name in PACKAGES},
    }
