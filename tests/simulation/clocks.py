"""Clocks of simulated processes: each wrong by an offset and by a drift of its own."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random

from tests.simulation.network import PROCESS
from workers.clock import Clock

EPOCH = datetime(2031, 1, 1, tzinfo=UTC)
"""When every history begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrong:
    """How far one machine's clock is from the true time."""

    offset_s: float = 0.0
    drift: float = 0.0
    """Seconds gained each second."""


@dataclass(slots=True)
class SimulatedClock(Clock):
    """Tells each process the time as its machine has it; names are drawn."""

    loop: asyncio.AbstractEventLoop
    random: Random
    wrong: dict[str, Wrong] = field(default_factory=dict[str, Wrong])
    """By process; the others are right."""

    def now(self) -> datetime:
        """Return the moment by the clock of the process that runs."""
        time_s = self.loop.time()
        wrong = self.wrong.get(PROCESS.get())
        if wrong is not None:
            time_s += wrong.offset_s + wrong.drift * time_s
        return EPOCH + timedelta(seconds=time_s)

    def monotonic_s(self) -> float:
        """Return virtual seconds."""
        return self.loop.time()

    def fresh_name(self) -> str:
        """Return 128 drawn bits."""
        return f"{self.random.getrandbits(128):032x}"

    def spread(self, least: float, most: float) -> float:
        """Return what is drawn."""
        return self.random.uniform(least, most)
