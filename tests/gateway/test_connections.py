"""The gateway answers whoever asks, however many connections others only keep open (P10)."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

import pytest
import uvicorn
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from examples.gateway.arriving import Arrived
from examples.gateway.connections import Connection, connections
from examples.gateway.sources import Network, networks

ENOUGH_S = 30.0
"""A deadline for what takes milliseconds."""
HALF = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf"
ASKS = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse("ok")(scope, receive, send)


@asynccontextmanager
async def serving(
    proxies: Sequence[Network] = (), connections_max: int = 8, **bounds: object
) -> AsyncGenerator[int]:
    """Serve the application; yield the port."""
    http = type("Bounded", (connections(proxies, connections_max),), bounds)
    assert issubclass(http, Connection)
    config = uvicorn.Config(
        Arrived(app),
        port=0,
        http=http,
        lifespan="off",
        log_config=None,
        timeout_graceful_shutdown=5,
    )
    server = uvicorn.Server(config)
    # As `serve` does, which would take over the signals of the tests.
    config.load()
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        await server.shutdown()


class Callers:
    """Connections to one server that stay open."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._open: list[asyncio.StreamWriter] = []

    async def call(self, said: bytes = b"", source: str = "127.0.0.1") -> asyncio.StreamReader:
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", self._port, local_addr=(source, 0)
        )
        writer.write(said)
        self._open.append(writer)
        return reader

    async def are_answered(self, source: str = "127.0.0.1") -> bool:
        async with asyncio.timeout(ENOUGH_S):
            reader = await self.call(ASKS, source)
            return (await reader.read()).startswith(b"HTTP/1.1 200 OK")

    def close(self) -> None:
        for writer in self._open:
            writer.close()


async def closed(reader: asyncio.StreamReader) -> bool:
    """Return once the other side has closed, with or without a word before."""
    try:
        async with asyncio.timeout(ENOUGH_S):
            await reader.read()
    except TimeoutError:
        return False
    except OSError:
        pass
    return True


@pytest.mark.parametrize("said", [b"", b"GET / HTTP/1.1\r\nX-Slow: ", HALF])
class TestTooManyConnections:
    async def test_keep_nobody_out(self, said: bytes) -> None:
        async with serving(connections_max=8) as port:
            callers = Callers(port)
            staying = [await callers.call(said) for _ in range(30)]

            assert await callers.are_answered()
            assert await closed(staying[0])
            callers.close()

    async def test_of_one_source_cost_that_source_only(self, said: bytes) -> None:
        async with serving(connections_max=20, source_connections_max=4) as port:
            callers = Callers(port)
            quiet = await callers.call(said, "127.0.0.2")
            staying = [await callers.call(said) for _ in range(30)]

            assert await closed(staying[0])
            assert await callers.are_answered("127.0.0.3")
            assert not quiet.at_eof()
            callers.close()

    async def test_of_a_proxy_are_those_of_many(self, said: bytes) -> None:
        trusted = networks("127.0.0.0/30")
        async with serving(trusted, connections_max=20, source_connections_max=1) as port:
            callers = Callers(port)
            staying = [await callers.call(said) for _ in range(4)]

            assert await callers.are_answered()
            assert not any(reader.at_eof() for reader in staying)
            callers.close()


class TestAConnection:
    @pytest.mark.parametrize("said", [b"", b"GET / HTTP/1.1\r\nX-Slow: ", HALF])
    async def test_is_closed_when_no_whole_request_comes(self, said: bytes) -> None:
        async with serving(request_max_s=0.2) as port:
            callers = Callers(port)
            reader = await callers.call(said)

            assert await closed(reader)
            callers.close()

    async def test_may_ask_again(self) -> None:
        async with serving() as port:
            callers = Callers(port)
            again = ASKS.replace(b"Connection: close\r\n", b"")
            async with asyncio.timeout(ENOUGH_S):
                reader = await callers.call(again + ASKS)
                answers = await reader.read()

            assert answers.count(b"HTTP/1.1 200 OK") == 2
            callers.close()

    async def test_is_forgotten_when_it_has_ended(self) -> None:
        all_open: dict[Connection, None] = {}
        by_source: dict[str, dict[Connection, None]] = {}
        async with serving(all_open=all_open, by_source=by_source) as port:
            callers = Callers(port)
            for _ in range(20):
                assert await callers.are_answered()
            assert len(all_open) <= 8
            callers.close()

        assert (all_open, by_source) == ({}, {})
