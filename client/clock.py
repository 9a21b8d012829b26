"""The only place in the client that makes up an id."""

import uuid


def fresh_command_id() -> str:
    """Return an id for a new command. Keep it for every retry of that command."""
    return uuid.uuid4().hex
