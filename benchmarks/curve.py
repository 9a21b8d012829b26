"""Steady load: latency and CPU per command over the offered rate, in shares of the backlog rate."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.figures import p50_p99
from benchmarks.latency import Latency

JUDGED_SHARE = 0.33
"""Of the backlog rate: where the bars are. A worker that is fast in a backlog has to be at ease with
a third of that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """What one steady rate came to."""

    share: float
    """Of the backlog rate."""
    per_s: float
    """Commands offered in a second."""
    p50_ms: float
    p99_ms: float
    unanswered: int
    """When we stopped waiting for answers; they count as having taken until then."""
    cpu_us: Mapping[str, float]
    """CPU per command in microseconds, by process."""


async def measure(latency: Latency, backlog_per_s: float) -> list[Point]:
    """Measure one rate after the other, the lowest first."""
    points: list[Point] = []
    for share in latency.plan.curve_shares:
        name = f"curve-{share * 100:.0f}%"
        rate = max(round(share * backlog_per_s), 1)
        answer = await latency.offered(latency.job(name, rate, latency.plan.curve_s))
        both = p50_p99(answer.latencies_ms)
        points.append(
            Point(
                share=share,
                per_s=rate,
                p50_ms=both["p50"],
                p99_ms=both["p99"],
                unanswered=answer.unanswered,
                cpu_us=latency.details[name]["cpu_us"],
            )
        )
    return points


def ratios(
    points: Sequence[Point], *, idle_p50_ms: float, backlog_worker_us: float
) -> dict[str, float]:
    """Return the figures of the rate that is judged: what it costs over what it cannot go below."""
    judged = next(point for point in points if point.share == JUDGED_SHARE)
    return {
        "third_p99_ratio": round(judged.p99_ms / idle_p50_ms, 2),
        "third_cpu_ratio": round(judged.cpu_us["worker"] / backlog_worker_us, 2),
    }
