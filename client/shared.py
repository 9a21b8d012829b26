"""One connection to Kafka that many tasks use at once: none of them ends it for the others."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

from aiokafka.errors import KafkaConnectionError, KafkaError

C = TypeVar("C")


@dataclass(slots=True, eq=False)
class _OpenConnection(Generic[C]):
    """An open connection."""

    connection: C
    users: int = 0
    replaced: bool = False


class Shared(Generic[C]):
    """Opened when it is first used, and replaced after an error, because it may stay broken.

    One that was replaced is closed when the last task that uses it is done: what aiokafka closes
    forgets whoever waits for metadata, and fails whatever is on its way.
    """

    def __init__(
        self,
        open_one: Callable[[], Awaitable[C]],
        close_one: Callable[[C], Awaitable[None]],
        *,
        open_timeout_s: float,
    ) -> None:
        """Both are called in tasks of their own; *close_one* is bounded and raises nothing."""
        self._open_one = open_one
        self._close_one = close_one
        self._open_timeout_s = open_timeout_s
        self._opening: asyncio.Task[_OpenConnection[C]] | None = None
        """The one attempt that all wait for; once it is done, what they use."""
        self._connections: set[_OpenConnection[C]] = set()
        self._closing: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def use(self, timeout_s: float) -> AsyncGenerator[C]:
        """Yield the connection, for up to *timeout_s* in all; others go on with it meanwhile.

        Raises:
            KafkaError: Kafka does not answer, or what the body raised; another is opened next.
            TimeoutError: The same.
        """
        used = None
        try:
            async with asyncio.timeout(timeout_s):
                used = await self._opened()
                used.users += 1
                try:
                    yield used.connection
                finally:
                    used.users -= 1
        except (KafkaError, TimeoutError):
            if used is not None:
                self._replace(used)
            raise
        finally:
            if used is not None and used.replaced and not used.users:
                self._close(used)

    async def stop(self) -> None:
        """Close it at once, and those that were replaced; bounded. The next use opens another."""
        opening, self._opening = self._opening, None
        if opening is not None and not opening.done():
            opening.cancel()
            await asyncio.wait([opening])
        for connection in [*self._connections]:
            self._close(connection)
        if self._closing:
            await asyncio.wait(self._closing)

    async def _opened(self) -> _OpenConnection[C]:
        while True:
            opening = self._opening or self._start()
            # Whoever gives up leaves the attempt to the others.
            await asyncio.wait([opening])
            if opening.cancelled():
                raise KafkaConnectionError("closed while it was opened")
            opened = opening.result()
            if not opened.replaced:  # by somebody who had his turn before us
                return opened

    def _start(self) -> asyncio.Task[_OpenConnection[C]]:
        opening = self._opening = asyncio.create_task(self._open())
        opening.add_done_callback(self._attempted)
        return opening

    async def _open(self) -> _OpenConnection[C]:
        async with asyncio.timeout(self._open_timeout_s):
            opened = _OpenConnection(await self._open_one())
        self._connections.add(opened)
        return opened

    def _attempted(self, opening: asyncio.Task[_OpenConnection[C]]) -> None:
        """Let the next one try again where the attempt failed."""
        failed = opening.cancelled() or opening.exception() is not None
        if failed and self._opening is opening:
            self._opening = None

    def _replace(self, used: _OpenConnection[C]) -> None:
        used.replaced = True
        opening = self._opening
        if opening is not None and opening.done() and opening.result() is used:
            self._opening = None

    def _close(self, used: _OpenConnection[C]) -> None:
        if used not in self._connections:
            return
        self._connections.discard(used)
        used.replaced = True
        closing = asyncio.ensure_future(self._close_one(used.connection))
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)
