"""From samples to figures: percentiles, rates, CPU per command. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What an observer outside the worker saw at one moment."""

    at_s: float
    done: int
    """Commands of which every record is in Kafka."""
    cpu_s: Mapping[str, float]
    """CPU used so far, by process."""
    rss_mb: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """One measured stretch of work."""

    commands: int
    seconds: float
    wall_s: float
    """From before the worker was started to the last record."""
    cpu_us: Mapping[str, float]
    """CPU per command in microseconds, by process."""

    @property
    def per_s(self) -> float:
        """Commands per second."""
        return self.commands / self.seconds


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least *share* of all do not exceed (nearest rank)."""
    assert values
    assert 0 < share <= 1
    return sorted(values)[ceil(share * len(values)) - 1]


def median(values: Sequence[float]) -> float:
    """Return the middle value, or the mean of the two in the middle."""
    assert values
    ordered = sorted(values)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def p50_p99(latencies_ms: Sequence[float]) -> dict[str, float]:
    """Return the two percentiles that the bars speak of, in milliseconds."""
    return {
        "p50": round(percentile(latencies_ms, 0.5), 2),
        "p99": round(percentile(latencies_ms, 0.99), 2),
    }


def window(samples: Sequence[Sample], *, started_s: float) -> Window:
    """Return what happened between the first sample with a result and the last sample.

    Start-up is left out by starting at the first result, and what that sample had already seen
    is left out of the count as well.
    """
    working = [sample for sample in samples if sample.done > 0]
    assert len(working) >= 2, "the window is shorter than two samples"
    first, last = working[0], working[-1]
    commands = last.done - first.done
    return Window(
        commands=commands,
        seconds=last.at_s - first.at_s,
        wall_s=last.at_s - started_s,
        cpu_us=cpu_per_command(first.cpu_s, last.cpu_s, commands),
    )


def cpu_per_command(
    before: Mapping[str, float], after: Mapping[str, float], commands: int
) -> dict[str, float]:
    """Return microseconds of CPU per command between two readings, by process."""
    spent = {name: after[name] - before[name] for name in after if name in before}
    return {name: round(seconds / max(commands, 1) * 1e6, 1) for name, seconds in spent.items()}


def rss_at(samples: Sequence[Sample], done: int) -> float:
    """Return the memory when the first *done* commands were through, in MB."""
    return next((sample.rss_mb for sample in samples if sample.done >= done), samples[-1].rss_mb)
