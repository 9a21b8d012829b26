"""Whether this process lives and is ready, per component, from probes that run beside the work."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from storage.ports.errors import StoreUnavailableError
from workers.clock import monotonic_s
from workers.monitoring.inputs import UnreadInputError
from workers.monitoring.metrics import Metrics
from workers.monitoring.progress import Progress

logger = logging.getLogger(__name__)

PROBE_INTERVAL_S = 2.0
"""Between two rounds of probes: orchestrators ask every 5 to 10 s, so they never see an old answer."""

PROBE_TIMEOUT_S = 2.0
"""Longest wait for one probe: a dependency slower than this keeps commands waiting too."""

FRESH_S = 3 * (PROBE_INTERVAL_S + PROBE_TIMEOUT_S)
"""An answer older than this says nothing: probes have stopped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """A question to one dependency; an answer in time is good, any exception is not."""

    name: str
    ask: Callable[[], Awaitable[object]]
    required: bool = True
    """Without it no command can be answered. What is not required only degrades."""
    last: bool = False
    """Asked when the others have answered: it goes by what one of them was told."""
    facts: Callable[[], dict[str, Any]] = dict
    """What else is known of it, whether it is as it should be or not."""


@dataclass(slots=True)
class _ProbeAnswer:
    """What a probe said last."""

    problem: str | None = "not asked yet"
    at_s: float | None = None

    def __str__(self) -> str:
        if self.at_s is not None and monotonic_s() - self.at_s > FRESH_S:
            return "not asked lately: the process is too busy"
        return self.problem or ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Health at one moment. It is live and ready unless a component says otherwise."""

    live: bool
    ready: bool
    degraded: bool
    components: dict[str, dict[str, Any]]

    def body(self) -> dict[str, Any]:
        """Return the JSON document."""
        degraded = "degraded" if self.degraded else "ok"
        ready = degraded if self.ready else "not ready"
        return {
            "status": ready if self.live else "not live",
            "live": self.live,
            "ready": self.ready,
            "components": self.components,
        }


class Health:
    """Asks the dependencies periodically and answers from what they said last."""

    def __init__(
        self,
        *,
        probes: Sequence[Probe],
        workers: Sequence[Progress],
        watchdog_s: float,
        metrics: Metrics,
    ) -> None:
        self._probes = tuple(probes)
        self._workers = workers
        self._watchdog_s = watchdog_s
        self._metrics = metrics
        self._answers = {probe.name: _ProbeAnswer() for probe in probes}

    async def run(self) -> None:
        """Ask every dependency, again and again, until cancelled."""
        while True:
            await self.probe()
            await asyncio.sleep(PROBE_INTERVAL_S)

    async def probe(self) -> None:
        """Ask every dependency once, all at the same time, each bounded."""
        for last in (False, True):
            await asyncio.gather(
                *(self._ask(probe) for probe in self._probes if probe.last == last)
            )

    async def _ask(self, probe: Probe) -> None:
        problem = None
        try:
            async with asyncio.timeout(PROBE_TIMEOUT_S):
                await probe.ask()
        except TimeoutError:
            problem = f"no answer within {PROBE_TIMEOUT_S:g} s"
        except (StoreUnavailableError, UnreadInputError) as error:
            problem = str(error)
        except Exception as error:  # noqa: BLE001 - whatever a probe raises is its answer
            problem = type(error).__name__  # its text may hold an address with a password
        answer = self._answers[probe.name]
        if problem is not None and answer.problem != problem:
            logger.warning("%s: not as it should be: %s", probe.name, problem)
        elif problem is None and answer.problem is not None and answer.at_s is not None:
            logger.info("%s: as it should be again", probe.name)
        self._answers[probe.name] = _ProbeAnswer(problem, monotonic_s())
        self._metrics.component_up.labels(probe.name).set(problem is None)

    def report(self) -> Report:
        """Return what is known now; asks nobody."""
        optional = {probe.name for probe in self._probes if not probe.required}
        problems = {name: str(answer) for name, answer in self._answers.items()}
        waits = {worker.name: worker.waiting_for for worker in self._workers}
        return Report(
            live=all(self._lives(worker) for worker in self._workers),
            ready=all(self._lives(worker) and worker.joined for worker in self._workers)
            and all(not problems[probe.name] for probe in self._probes if probe.required)
            and all(wait is None or wait in optional for wait in waits.values()),
            degraded=any(problems.values())
            or any(worker.degraded or worker.waiting_for for worker in self._workers),
            components={probe.name: self._of_probe(probe) for probe in self._probes}
            | {f"{worker.name} worker": self._of_worker(worker) for worker in self._workers},
        )

    def _lives(self, worker: Progress) -> bool:
        return worker.failed is None and worker.stalled_s() <= self._watchdog_s

    def _of_probe(self, probe: Probe) -> dict[str, Any]:
        problem = str(self._answers[probe.name])
        status = {"status": "down" if problem else "up", "required": probe.required}
        status |= probe.facts()
        return status | ({"detail": problem} if problem else {})

    def _of_worker(self, worker: Progress) -> dict[str, Any]:
        facts = {
            "waiting_for": worker.waiting_for,
            "degraded": worker.degraded,
            "failed": worker.failed,
            "stalled_s": round(worker.stalled_s(), 1) or None,
        }
        known = {name: fact for name, fact in facts.items() if fact is not None}
        return {"status": self._status_of(worker), "joined": worker.joined} | known

    def _status_of(self, worker: Progress) -> str:
        if not self._lives(worker):
            return "down"
        if worker.waiting_for is not None:
            return "waiting"
        if not worker.joined:
            return "joining"
        return "degraded" if worker.degraded else "up"
