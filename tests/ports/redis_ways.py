"""A way to Redis that is as slow as a test needs."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit, urlunsplit

CHUNK_BYTES = 65_536


class SlowWay:
    """Passes bytes on; what comes back waits for `delay_s`."""

    def __init__(self, host: str, port: int) -> None:
        self.delay_s = 0.0
        self.connections = 0
        self._target = (host, port)
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Connect both ends until one of them closes."""
        self.connections += 1
        there_reader, there_writer = await asyncio.open_connection(*self._target)
        ways = (
            self._pass_on(reader, there_writer, self._at_once),
            self._pass_on(there_reader, writer, self._late),
        )
        self._tasks |= {asyncio.create_task(each) for each in ways}

    async def close(self) -> None:
        """Cut every connection."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _at_once(self) -> None:
        return

    async def _late(self) -> None:
        await asyncio.sleep(self.delay_s)

    async def _pass_on(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        wait: Callable[[], Awaitable[None]],
    ) -> None:
        try:
            while chunk := await reader.read(CHUNK_BYTES):
                await wait()
                writer.write(chunk)
                await writer.drain()
        except OSError:
            return
        finally:
            writer.close()


@asynccontextmanager
async def slow_way(url: str) -> AsyncGenerator[tuple[str, SlowWay]]:
    """Yield another address of the server at *url*, and what makes it slow."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    way = SlowWay(parts.hostname, parts.port)
    server = await asyncio.start_server(way.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    user, at, _ = parts.netloc.rpartition("@")
    try:
        yield urlunsplit(parts._replace(netloc=f"{user}{at}127.0.0.1:{port}")), way
    finally:
        server.close()
        await way.close()
