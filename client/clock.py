"""The only place in the client that reads the clock or makes up an id."""

import uuid
from datetime import UTC, datetime

NUMERIC_DATE_MAX = 253_402_300_799
"""The last second of the year 9999: what a `datetime` can hold."""


def utc_now() -> datetime:
    """Return the current moment, UTC."""
    return datetime.now(tz=UTC)


def fresh_command_id() -> str:
    """Return an id for a new command. Keep it for every retry of that command."""
    return uuid.uuid4().hex
