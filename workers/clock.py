"""The only place that reads the clock or makes up a name."""

import time
import uuid
from datetime import UTC, datetime


def utc_now() -> datetime:
    """Return the current moment, UTC, in whole milliseconds: as it is stored and published."""
    now = datetime.now(tz=UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


def monotonic_s() -> float:
    """Return seconds on a clock that never goes back."""
    return time.monotonic()


def fresh_name() -> str:
    """Return a name nobody has used before: 122 random bits."""
    return uuid.uuid4().hex
