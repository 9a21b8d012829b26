"""A connection of the sidecar: one of a bounded number, and never open for long without an answer."""

import asyncio
from ssl import SSLContext
from typing import Any, ClassVar, TypeAlias

from uvicorn.protocols.http.h11_impl import H11Protocol

CONNECTIONS_MAX = 128
"""Probes, scrapers and gateways hold a few dozen. Far below the 1,024 file descriptors that a process
may have by default: the ledger needs some hundreds."""

ACCEPTED_AT_ONCE_MAX = 128
"""The listening socket's backlog: so many more file descriptors a flood takes before it is looked at."""

EXCHANGE_MAX_S = 15.0
"""From the opening of a connection, or its last answer, to the end of the next answer: the handshake of
TLS, the wait for a request, its head and its body. An answer takes milliseconds."""


Crowd: TypeAlias = "dict[SidecarConnection, None]"
"""Connections in the order in which they began to wait for a request."""


class SidecarConnection(H11Protocol):
    """uvicorn's connection, which by itself waits for ever and is one of any number.

    Where one too many is open, that closes which waits longest for a request: whoever asks at once
    is answered, however many others only stay.
    """

    connections_max: ClassVar[int] = CONNECTIONS_MAX
    exchange_max_s: ClassVar[float] = EXCHANGE_MAX_S
    tls: ClassVar[SSLContext | None] = None
    """How to secure it. Here and not in uvicorn, which counts no connection before its handshake."""

    all_open: ClassVar[Crowd]
    """Of one server."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._deadline: asyncio.TimerHandle | None = None
        self._securing: asyncio.Task[None] | None = None
        self._early: bytearray | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Take a connection, at the cost of another where there are too many."""
        super().connection_made(transport)
        self._begin_exchange()
        if len(self.all_open) > self.connections_max:
            self._longest_waiting().end()
        if self.tls is not None and not transport.is_closing():
            transport.pause_reading()  # what comes first is for TLS
            self._early = bytearray()
            self._securing = self.loop.create_task(self._secure(transport, self.tls))

    def data_received(self, data: bytes) -> None:
        """Take what comes."""
        if self._early is None:
            super().data_received(data)
        else:
            self._early += data

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        self._leave()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """Wait for the next request, but not for ever."""
        self._begin_exchange()
        super().on_response_complete()

    @property
    def waits(self) -> bool:
        """Whether it has asked nothing that is not answered yet."""
        cycle: Any = self.cycle  # there is none before the first request
        return cycle is None or bool(cycle.response_complete)

    def end(self) -> None:
        """Close it at once: a close waits until all is written, and nobody may read it."""
        self._leave()
        self.transport.abort()

    def _begin_exchange(self) -> None:
        if self.transport.is_closing():
            return
        self._leave()
        self.all_open[self] = None
        self._deadline = self.loop.call_later(self.exchange_max_s, self.end)

    def _leave(self) -> None:
        self.all_open.pop(self, None)
        if self._deadline is not None:
            self._deadline.cancel()

    def _longest_waiting(self) -> "SidecarConnection":
        return next((each for each in self.all_open if each.waits), self)

    async def _secure(self, transport: asyncio.Transport, tls: SSLContext) -> None:
        """Let the handshake come first; what is asked right behind it waits in `_early`."""
        problem: OSError | None = None
        secured: asyncio.Transport | None = None
        try:
            secured = await self.loop.start_tls(
                transport, self, tls, server_side=True, ssl_handshake_timeout=self.exchange_max_s
            )
        except OSError as error:  # of TLS, of the network, or too late
            problem = error
        if secured is None:  # closed meanwhile
            transport.abort()
            self.connection_lost(problem)
            return
        super().connection_made(secured)
        early, self._early = self._early, None
        if early:
            self.data_received(bytes(early))
