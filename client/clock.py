"""The only place in the client that reads the clock or makes up an id."""

import uuid
from datetime import UTC, datetime


def utc_now() -> datetime:
    """Return the current moment, UTC."""
    return datetime.now(tz=UTC)


def fresh_command_id() -> str:
    """Return an id for a new command. Keep it for every retry of that command."""
    return uuid.uuid4().hex
