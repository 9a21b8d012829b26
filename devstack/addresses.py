"""The servers' names, and where clients find them."""

from dataclasses import dataclass
from typing import Literal, get_args

ServerName = Literal["kafka", "mongodb", "redis"]
"""The servers by what they speak."""

SERVERS: frozenset[ServerName] = frozenset(get_args(ServerName))
"""All of them."""


@dataclass(frozen=True)
class Addresses:
    """What to connect to; empty for a server that was not asked for."""

    kafka: str
    """Bootstrap server, `127.0.0.1:9092`."""
    mongodb: str
    """`mongodb://` URI of a replica set."""
    redis: str
    """`redis://` URI."""
