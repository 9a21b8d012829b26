"""Ends the process, with a reason, when a worker failed or records wait without progress."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass, field

from workers.clock import monotonic_s, utc_now
from workers.monitoring.metrics import Metrics
from workers.monitoring.progress import Progress

logger = logging.getLogger(__name__)

LATENESS_WARN_S = 0.5
"""A loop this late is blocked by something: heartbeats to Kafka and every answer wait with it."""


@dataclass(slots=True)
class Watchdog:
    """Looks at every worker once per interval.

    Time in which this process did not run at all (stopped, suspended) is not held against a
    worker: only rounds of the watchdog itself count.
    """

    workers: Sequence[Progress]
    _: KW_ONLY
    watchdog_s: float
    end: Callable[[str], None]
    metrics: Metrics
    interval_s: float = 1.0
    _stalled_since: dict[str, float] = field(default_factory=dict[str, float])
    _stalled_rounds: dict[str, int] = field(default_factory=dict[str, int])

    async def run(self) -> None:
        """Look until a worker must end, then call `end` once with the reason."""
        reason = None
        while reason is None:
            due_s = monotonic_s() + self.interval_s
            await asyncio.sleep(self.interval_s)
            self._note_lateness(monotonic_s() - due_s)
            reason = self.look()
        logger.error("ending the process: %s", reason)
        self.end(reason)

    def look(self) -> str | None:
        """Count one round for every worker; return why the process must end, if it must."""
        for worker in self.workers:
            self._export(worker)
            if worker.failed is None and self._stalled(worker):
                worker.fail(f"no progress for {worker.stalled_s():.0f} s while records wait")
        failed = [worker for worker in self.workers if worker.failed is not None]
        return f"{failed[0].name} worker: {failed[0].failed}" if failed else None

    def _stalled(self, worker: Progress) -> bool:
        same = self._stalled_since.get(worker.name) == worker.last_progress_s
        rounds = self._stalled_rounds.get(worker.name, 0) + 1 if same else 0
        self._stalled_since[worker.name] = worker.last_progress_s
        self._stalled_rounds[worker.name] = rounds if worker.stalled_s() > 0 else 0
        return self._stalled_rounds[worker.name] * self.interval_s > self.watchdog_s

    def _export(self, worker: Progress) -> None:
        age_s = monotonic_s() - worker.last_progress_s
        moment_s = utc_now().timestamp() - age_s
        self.metrics.last_progress_timestamp_seconds.labels(worker.name).set(moment_s)

    def _note_lateness(self, late_s: float) -> None:
        self.metrics.event_loop_lateness_seconds.labels().observe(max(0.0, late_s))
        if late_s > LATENESS_WARN_S:
            logger.warning("the event loop was blocked or the process stopped for %.1f s", late_s)
