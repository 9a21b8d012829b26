"""How long the steps of a cycle take."""

from workers.clock import monotonic_s
from workers.monitoring.metrics import Metrics


class Steps:
    """Measures the steps of one cycle."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self.started_s = self._last_s = monotonic_s()

    def end(self, step: str) -> None:
        """Note that *step* has taken all the time since the one before."""
        now_s = monotonic_s()
        self._metrics.cycle_seconds.labels(step).observe(now_s - self._last_s)
        self._last_s = now_s
