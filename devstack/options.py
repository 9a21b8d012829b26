"""What a stack is asked for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from devstack.addresses import SERVERS, ServerName


def _silent(_line: str) -> None:
    """Report nothing."""


@dataclass(frozen=True)
class StackOptions:
    """What to start, and where its files go."""

    servers: frozenset[ServerName] = SERVERS
    data: Path | None = None
    """Kept and used again; a temporary folder, removed at the end, when `None`."""
    cache: Path | None = None
    """For downloads; `accounts-devstack` in the user's cache folder when `None`."""
    progress: Callable[[str], None] = _silent
    """Called from several threads with one line at a time."""
    ports: Mapping[ServerName, int] = field(default_factory=dict[ServerName, int])
    """Ports to use; any free one for a server not named."""
    short_lived: bool = False
    """Up for some minutes, as for tests: Kafka's code is compiled quickly instead of well."""
