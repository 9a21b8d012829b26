"""How slow this machine is just now: what is promised in seconds is promised on a machine of one's own."""

import time

SAMPLE_S = 0.03
"""Long enough for others to get their turn meanwhile."""

SLOWER_MAX = 30.0
"""A machine that is slower than that measures nothing."""


def slowness() -> float:
    """Return how many times longer work takes than its processor time: 1 where all else rests."""
    began_s, worked_s = time.perf_counter(), time.thread_time()
    while time.thread_time() - worked_s < SAMPLE_S:
        pass
    return min(max((time.perf_counter() - began_s) / SAMPLE_S, 1.0), SLOWER_MAX)


def at_this_speed(bound_s: float) -> float:
    """Return what a bound for a machine of one's own is here and now."""
    return bound_s * slowness()
