"""A connection: one of a bounded number, of its source too, and never open for long without a request."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, TypeAlias

from uvicorn.protocols.http.h11_impl import H11Protocol

from contracts.sources import counted_as
from examples.gateway.sources import Network, canonical, is_among

CONNECTIONS_MAX = 4_000
"""Open at once: four for each request that may be in hand (`bounded`)."""

SOURCE_CONNECTIONS_MAX = 200
"""Of one source: twice the requests that it may have in hand."""

ACCEPTED_AT_ONCE_MAX = 256
"""The listening socket's backlog: so many more a flood opens before it is looked at."""

REQUEST_MAX_S = 20.0
"""For a whole request, from the opening of the connection or the last answer: its head and its body
(`arriving.BODY_MAX_S`), which phones on a train need seconds for."""

ANSWER_MAX_S = 75.0
"""From then on to the end of the answer: more than the longest wait for one. Who does not read it in
that time never will."""

Crowd: TypeAlias = "dict[Connection, None]"
"""Connections in the order in which they began to wait for a request."""


class Connection(H11Protocol):
    """uvicorn's connection, which by itself waits for ever and is one of any number.

    Where one too many is open, of its source or of all, that closes which waits longest for a whole
    request: whoever asks at once is answered, however many others only stay.
    """

    connections_max: ClassVar[int] = CONNECTIONS_MAX
    source_connections_max: ClassVar[int] = SOURCE_CONNECTIONS_MAX
    request_max_s: ClassVar[float] = REQUEST_MAX_S
    proxies: ClassVar[Sequence[Network]] = ()
    """Whose connections are those of many."""
    all_open: ClassVar[Crowd]
    by_source: ClassVar[dict[str, Crowd]]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._deadline: asyncio.TimerHandle | None = None
        self._source = ""
        self._crowds: list[tuple[Crowd, int]] = []

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Take a connection, at the cost of another where there are too many."""
        super().connection_made(transport)
        self._crowds = [(self.all_open, self.connections_max)]
        address = canonical(self.client[0] if self.client else "")
        if not is_among(address, self.proxies):
            self._source = counted_as(address)
            crowd = self.by_source.setdefault(self._source, {})
            self._crowds.insert(0, (crowd, self.source_connections_max))
        self._begin_wait()
        for crowd, most in self._crowds:
            if len(crowd) > most:
                _longest_waiting(crowd, self).end()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        self._leave()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """Wait for the next request, but not for ever."""
        self._begin_wait()
        super().on_response_complete()

    @property
    def waits(self) -> bool:
        """Whether no whole request has come that is not answered yet."""
        # There is no cycle before the first request.
        answered = bool(getattr(self.cycle, "response_complete", True))
        return answered or self.cycle.more_body

    def end(self) -> None:
        """Close it at once: to close it in order would wait until all is written."""
        self._leave()
        self.transport.abort()

    def _begin_wait(self) -> None:
        if self.transport.is_closing():
            return
        for crowd, _ in self._crowds:
            crowd.pop(self, None)
            crowd[self] = None
        self._set_deadline(self.request_max_s, self._late)

    def _set_deadline(self, seconds: float, late: Callable[[], None]) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = self.loop.call_later(seconds, late)

    def _leave(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        for crowd, _ in self._crowds:
            crowd.pop(self, None)
        if not self.by_source.get(self._source):
            self.by_source.pop(self._source, None)

    def _late(self) -> None:
        if self.waits:
            self.end()
        else:
            self._set_deadline(ANSWER_MAX_S, self.end)


def connections(proxies: Sequence[Network], connections_max: int) -> type[Connection]:
    """Return the connections of one server, which know of one another."""
    own: dict[str, Any] = {
        "proxies": proxies,
        "connections_max": min(connections_max, CONNECTIONS_MAX),
        "all_open": {},
        "by_source": {},
    }
    return type("ServerConnection", (Connection,), own)


def _longest_waiting(crowd: Crowd, newest: Connection) -> Connection:
    return next((each for each in crowd if each.waits), newest)
