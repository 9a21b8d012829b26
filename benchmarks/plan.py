"""How much is measured and for how long: the full run and the quick one."""

from dataclasses import dataclass, replace

SCENARIOS = (
    "ordinary",
    "ours",
    "ceiling",
    "hot",
    "zipf",
    "memory",
    "idle",
    "paced_500",
    "paced_2000",
    "flood",
    "dead_reply",
    "curve",
)
"""Everything that can be asked for with --only, in the order it runs."""

NEEDED = {"curve": ("ours", "idle")}
"""What is measured besides, because the figures are judged by it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The sizes of one run. The bars of the report are meant for the full one."""

    users: int = 10_000
    backlog: int = 100_000
    """Commands of one throughput window."""
    rounds: int = 3
    """Windows of each throughput figure, taken in turns; the median counts."""
    ordinary_s: float = 30.0
    """One window of the ordinary worker: it is slow, so it is bounded by time, not by count."""
    ceiling_batches: tuple[int, ...] = (500, 1000, 2000, 3000)
    ceiling_writers: tuple[int, ...] = (1, 2, 3, 4)
    ceiling_trial: int = 24_000
    """Commands of one trial of batch size and writers; the best two get full windows."""
    memory: int = 500_000
    """Commands one worker process handles while its memory is watched."""
    idle_samples: int = 1000
    """So that p99 is the tenth worst, not the worst."""
    paced_s: float = 20.0
    contrast_s: float = 12.0
    """One window of flood and dead reply: below what 200 registrations take to be hashed."""
    contrast_rounds: int = 2
    """How often a window without and one with the disturbance alternate."""
    registrations: int = 200
    curve_shares: tuple[float, ...] = (0.05, 0.1, 0.2, 0.33, 0.5, 0.7, 0.9)
    """Steady rates of the curve, in shares of the backlog rate that the same run measured."""
    curve_s: float = 15.0
    pairs: int = 7
    """Windows of each of two checkouts: figures of two runs differ by 15 %, so they take turns."""
    pair_users: int = 4000
    """Opened anew for each window, which takes longer than the window itself."""
    turns: int = 4
    """Parts of one window: a machine changes within a minute, so each side works for seconds."""
    warm_up: int = 10_000
    """Commands before a window of a pair, so that caches are filled and idle loops have met work."""
    pair_commands: int = 60_000
    """Commands of one window of a pair: three seconds of the worker's CPU, of which the kernel's
    clock of 10 ms is a third of a percent."""
    scenarios: frozenset[str] = frozenset(SCENARIOS)


FULL = Plan()
QUICK = Plan(
    users=2000,
    backlog=20_000,
    rounds=1,
    ordinary_s=5.0,
    ceiling_batches=(1000, 3000),
    ceiling_writers=(2, 3),
    ceiling_trial=10_000,
    memory=40_000,
    idle_samples=200,
    paced_s=5.0,
    contrast_s=5.0,
    contrast_rounds=1,
    registrations=60,
    curve_shares=(0.05, 0.33, 0.7),
    curve_s=4.0,
    pairs=2,
    pair_users=500,
    warm_up=2000,
    pair_commands=20_000,
)


def chosen(plan: Plan, only: str | None) -> Plan:
    """Return *plan* with the scenarios named in *only*, separated by commas, and what they need.

    Raises:
        ValueError: A name is not a scenario.
    """
    if only is None:
        return plan
    names = [name.strip() for name in only.split(",")]
    unknown = [name for name in names if name not in SCENARIOS]
    if unknown:
        raise ValueError(f"unknown scenario {unknown[0]!r}; choose from {', '.join(SCENARIOS)}")
    needed = [also for name in names for also in NEEDED.get(name, ())]
    return replace(plan, scenarios=frozenset([*names, *needed]))
