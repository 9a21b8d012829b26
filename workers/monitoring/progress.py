"""Whether a worker gets on: what it did last, what it waits for, and what ended it."""

from dataclasses import dataclass, field

from storage.ports import STORE
from workers.clock import monotonic_s
from workers.monitoring.halt import Halt

EXCUSED_S = 60.0
"""How long a named wait excuses: each try that fails names it anew, and between two lie one deadline, which
is below the watchdog's own time, and one pause, which is at most this long. One that nobody names any more
was given up."""


@dataclass(slots=True)
class Progress:
    """One worker's own account of itself, read by health and the watchdog."""

    name: str
    halt: Halt = field(default_factory=Halt)
    """Shared by all workers of the process."""
    joined: bool = False
    """Member of its consumer group, with an assignment."""
    busy: bool = False
    """Records were taken and are not answered yet, or wait to be read."""
    waiting_for: str | None = None
    """A dependency that does not answer, such as `kafka`: a named wait counts as progress, for a while."""
    degraded: str | None = None
    """What works less well than it should, in one line, such as an undecodable partition."""
    failed: str | None = None
    """Why this worker must end; set once."""
    last_progress_s: float = field(default_factory=monotonic_s)

    def advance(self) -> None:
        """Note that something was finished, and that nothing is waited for."""
        self.last_progress_s = monotonic_s()
        self.waiting_for = None

    def wait_for(self, dependency: str) -> None:
        """Note that only *dependency* keeps this worker from getting on."""
        self.last_progress_s = monotonic_s()
        self.waiting_for = dependency

    def wait_for_store(self) -> None:
        """Note that the store does not answer."""
        self.wait_for(STORE)

    def fail(self, reason: str) -> None:
        """End the process: nothing more is done by any of its workers. The first reason stays."""
        self.failed = self.failed or reason
        self.halt.now(f"{self.name} worker: {reason}")

    def stalled_s(self) -> float:
        """Return how long records have waited without progress; 0 where none wait."""
        if not self.busy:
            return 0.0
        excused_s = 0.0 if self.waiting_for is None else EXCUSED_S
        return max(0.0, monotonic_s() - self.last_progress_s - excused_s)
