"""Where clients find the servers."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Addresses:
    """What to connect to; empty for a server that was not asked for."""

    kafka: str
    """Bootstrap server, `127.0.0.1:9092`."""
    mongodb: str
    """`mongodb://` URI of a replica set."""
    redis: str
    """`redis://` URI."""
