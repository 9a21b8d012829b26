"""Which servers a test run uses: named ones, else Docker's, else processes of our own."""

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from devstack.addresses import Addresses, ServerName
from devstack.errors import DevStackError
from devstack.stack import Stack, StackOptions, start_stack

VARIABLES: Mapping[ServerName, str] = {
    "kafka": "ACCOUNTS_TEST_KAFKA",
    "mongodb": "ACCOUNTS_TEST_MONGODB",
    "redis": "ACCOUNTS_TEST_REDIS",
}
"""The environment variables that name a running server, in the form of its address."""

SCHEMES: Mapping[ServerName, tuple[str, ...]] = {
    "kafka": ("",),
    "mongodb": ("mongodb://", "mongodb+srv://"),
    "redis": ("redis://", "rediss://"),
}
"""How the value of each variable begins."""


class Running(Protocol):
    """Servers that were started for the tests."""

    addresses: Addresses

    def stop(self) -> None:
        """End them."""
        ...


@dataclass(frozen=True)
class Chosen:
    """The servers of a test run, wherever they are."""

    addresses: Addresses
    started: Running | None
    """What was started for the run; `None` when every server was named."""

    @property
    def stack(self) -> Stack | None:
        """Return the local processes, which alone can be killed, paused and restarted."""
        return self.started if isinstance(self.started, Stack) else None

    def stop(self) -> None:
        """End what was started; named servers are left alone."""
        if self.started:
            self.started.stop()


def choose(environ: Mapping[str, str], options: StackOptions) -> Chosen:
    """Take the servers named in the environment and start the others.

    Raises:
        DevStackError: A name is malformed, or the others cannot be started.
    """
    named = named_servers(environ, options.servers)
    rest = options.servers - named.keys()
    if not rest:
        return Chosen(Addresses(**_complete(named)), None)
    started = _start(environ, replace(options, servers=rest))
    own: dict[ServerName, str] = {
        "kafka": started.addresses.kafka,
        "mongodb": started.addresses.mongodb,
        "redis": started.addresses.redis,
    }
    return Chosen(Addresses(**_complete(own | named)), started)


def named_servers(
    environ: Mapping[str, str], servers: frozenset[ServerName]
) -> dict[ServerName, str]:
    """Return the addresses that the environment names, of the servers wanted.

    Raises:
        DevStackError: An address does not look like one.
    """
    named: dict[ServerName, str] = {
        name: environ[VARIABLES[name]] for name in servers if environ.get(VARIABLES[name])
    }
    for name, address in named.items():
        # The value is not repeated: it may hold a password.
        if not address.startswith(SCHEMES[name]) or (name == "kafka" and ":" not in address):
            wanted = SCHEMES[name][0] or "host:port"
            raise DevStackError(f"{VARIABLES[name]} does not name a server: expected {wanted}…")
    return named


def _complete(addresses: Mapping[ServerName, str]) -> dict[str, str]:
    return {name: addresses.get(name, "") for name in VARIABLES}


def _start(environ: Mapping[str, str], options: StackOptions) -> Running:
    if importlib.util.find_spec("testcontainers"):
        from devstack import containers  # noqa: PLC0415 - it needs an extra that may be missing

        if containers.are_possible(environ, options.servers):
            options.progress("using Docker containers")
            return containers.Containers(options.servers)
    options.progress("using local processes")
    return start_stack(options)
