"""The only place that reads the clock, makes up a name or draws a wait."""

import random
import time
import uuid
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime


class Clock:
    """The machine's; a simulation has one of its own."""

    def now(self) -> datetime:
        """Return the current moment, UTC."""
        return datetime.now(tz=UTC)

    def monotonic_s(self) -> float:
        """Return seconds on a clock that never goes back."""
        return time.monotonic()

    def fresh_name(self) -> str:
        """Return a name nobody has used before: 122 random bits."""
        return uuid.uuid4().hex

    def spread(self, least: float, most: float) -> float:
        """Return anything between both: jitter, not a secret."""
        return random.uniform(least, most)  # noqa: S311 - see above


_clocks = [Clock()]
"""The last one is read."""


@contextmanager
def told_by(clock: Clock) -> Generator[None]:
    """Have everything in this process, whatever thread or task, read *clock*."""
    _clocks.append(clock)
    try:
        yield
    finally:
        _clocks.remove(clock)


def utc_now() -> datetime:
    """Return the current moment, UTC, in whole milliseconds: as it is stored and published."""
    now = _clocks[-1].now()
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


def monotonic_s() -> float:
    """Return seconds on a clock that never goes back."""
    return _clocks[-1].monotonic_s()


def fresh_name() -> str:
    """Return a name nobody has used before: 122 random bits."""
    return _clocks[-1].fresh_name()


def spread(least: float, most: float) -> float:
    """Return anything between both, so that those who failed together do not come back together."""
    return _clocks[-1].spread(least, most)
