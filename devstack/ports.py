"""Free ports on the loopback interface, chosen so that they stay ours across a restart."""

import secrets
import socket
from collections.abc import Iterator
from contextlib import ExitStack

from devstack.errors import DevStackError

HOST = "127.0.0.1"
"""The only address that the servers listen on."""

PORT_MIN, PORT_MAX = 20_000, 32_000
"""Below the kernel's ephemeral range: a client that retries while a server is down could otherwise
be given the server's own port for its connection, and so take it away (or connect to itself)."""


def reserve(wanted: dict[str, int | None]) -> dict[str, int]:
    """Choose a port for each name: the one asked for, else any free one, all different.

    Raises:
        DevStackError: A port asked for is taken.
    """
    chosen: dict[str, int] = {}
    with ExitStack() as held:
        for name, port in wanted.items():
            listener = held.enter_context(_taken(name, port) if port else _any_free())
            chosen[name] = listener.getsockname()[1]
    return chosen


def _taken(name: str, port: int) -> socket.socket:
    try:
        return _bound(port)
    except OSError as error:
        raise DevStackError(
            f"port {port} for {name} cannot be used ({error.strerror}): "
            "stop what listens there, or leave the port out to get a free one"
        ) from None


def _any_free() -> socket.socket:
    for port in _candidates():
        try:
            return _bound(port)
        except OSError:
            continue
    raise DevStackError(f"no free port between {PORT_MIN} and {PORT_MAX} on {HOST}: stop something")


def _candidates() -> Iterator[int]:
    span = PORT_MAX - PORT_MIN
    first = secrets.randbelow(span)
    return (PORT_MIN + (first + step) % span for step in range(span))


def _bound(port: int) -> socket.socket:
    listener = socket.socket()
    try:
        # As the servers do: a port with connections of its last owner in TIME_WAIT is free.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen(1)  # with SO_REUSEADDR only listening finds another listener for certain
    except OSError:
        listener.close()
        raise
    return listener
