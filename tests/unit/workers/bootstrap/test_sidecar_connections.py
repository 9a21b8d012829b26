"""The sidecar answers whoever asks, however many others only stay (P10)."""

import asyncio
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from cli.service.connection import Sidecar
from tests.unit.workers.bootstrap.certificates import a_certificate
from workers.bootstrap.sidecar_connections import SidecarConnection
from workers.bootstrap.sidecar_server import listen, sidecar_server, sidecar_tls
from workers.config.settings import ConfigError, load_settings

ENOUGH_S = 30.0
"""A deadline for what takes milliseconds."""
LARGE = 8 * 1024 * 1024
"""Bytes of an answer that no buffer of the kernel holds."""


class Few(SidecarConnection):
    connections_max = 4
    exchange_max_s = ENOUGH_S


class Brief(SidecarConnection):
    exchange_max_s = 0.2


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "http":
        await Response(b"x" * LARGE if scope["path"] == "/large" else b"ok")(scope, receive, send)
        return
    for said in ("startup", "shutdown"):
        assert (await receive())["type"] == f"lifespan.{said}"
        await send({"type": f"lifespan.{said}.complete"})


@asynccontextmanager
async def serving(
    connection: type[SidecarConnection], tls: ssl.SSLContext | None = None
) -> AsyncGenerator[int]:
    """Serve the application; yield the port."""
    listener = listen(load_settings({"ACCOUNTS_SIDECAR_PORT": "0"}, Path("/")))
    server = sidecar_server(app, tls, connection)
    # As `serve` does, which would take over the signals of the tests.
    server.config.load()
    server.lifespan = server.config.lifespan_class(server.config)
    await server.startup([listener])
    try:
        yield listener.getsockname()[1]
    finally:
        await server.shutdown([listener])


async def answer(port: int, **tls: ssl.SSLContext | str) -> bytes:
    """Return what somebody who asks is answered."""
    async with asyncio.timeout(ENOUGH_S):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, **tls)  # type: ignore[arg-type]
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        try:
            return await reader.read()
        finally:
            writer.close()


async def closed(reader: asyncio.StreamReader) -> bool:
    """Return once the other side has closed, with or without a word before."""
    try:
        async with asyncio.timeout(ENOUGH_S):
            while await reader.read(LARGE):
                pass
    except TimeoutError:
        return False
    except OSError:
        pass
    return True


class TestTooManyConnections:
    async def test_cost_the_one_that_waits_longest(self) -> None:
        async with serving(Few) as port:
            staying = [await asyncio.open_connection("127.0.0.1", port) for _ in range(4)]

            assert await answer(port) == await answer(port)
            assert await closed(staying[0][0])
            for _, writer in staying:
                writer.close()

    async def test_of_which_none_asks_keep_nobody_out(self) -> None:
        async with serving(Few) as port:
            staying = [await asyncio.open_connection("127.0.0.1", port) for _ in range(50)]
            for _, writer in staying:
                writer.write(b"GET / HTTP/1.1\r\nX-Slow: ")

            assert b"200 OK" in await answer(port)
            for _, writer in staying:
                writer.close()

    async def test_that_begin_no_handshake_count_too(self, tmp_path: Path) -> None:
        certificate, tls = a_server_context(tmp_path)
        asks = ssl.create_default_context(cafile=certificate)
        async with serving(Few, tls) as port:
            staying = [await asyncio.open_connection("127.0.0.1", port) for _ in range(50)]

            assert b"200 OK" in await answer(port, ssl=asks, server_hostname="accounts.example")
            assert await closed(staying[0][0])
            for _, writer in staying:
                writer.close()


class TestAConnection:
    @pytest.mark.parametrize(
        "said",
        [
            b"",
            b"GET / HTTP/1.1\r\nX-Slow: ",
            b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf",
            b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        ],
        ids=["nothing", "half a head", "half a body", "one request"],
    )
    async def test_is_closed_when_it_asks_nothing_more(self, said: bytes) -> None:
        async with serving(Brief) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(said)

            assert await closed(reader)
            writer.close()

    async def test_is_closed_when_its_answers_are_not_read(self) -> None:
        lost = asyncio.Event()

        class Watched(Brief):
            def connection_lost(self, exc: Exception | None) -> None:
                super().connection_lost(exc)
                lost.set()

        async with serving(Watched) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
            writer.write(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n" * 3)

            async with asyncio.timeout(ENOUGH_S):
                await lost.wait()
            assert await closed(reader)
            writer.close()


class TestTls:
    def test_is_off_without_a_certificate(self) -> None:
        settings = load_settings({}, Path("/"))

        assert sidecar_tls(settings) is None
        assert settings.sidecar_scheme == "http"

    async def test_is_what_the_command_line_speaks(self, tmp_path: Path) -> None:
        certificate, tls = a_server_context(tmp_path)
        async with serving(SidecarConnection, tls) as port:
            asked = Sidecar("127.0.0.1", port, certificate)

            assert await asyncio.to_thread(asked.get, "/") == (200, b"ok")
            assert str(asked) == f"https://127.0.0.1:{port}"

    async def test_is_no_word_for_who_has_another_certificate(self, tmp_path: Path) -> None:
        (tmp_path / "other").mkdir()
        other, _ = a_certificate(tmp_path / "other")
        _, tls = a_server_context(tmp_path)
        async with serving(SidecarConnection, tls) as port:
            with pytest.raises(ssl.SSLCertVerificationError):
                await asyncio.to_thread(Sidecar("127.0.0.1", port, other).get, "/")

    def test_needs_a_certificate_that_can_be_used(self, tmp_path: Path) -> None:
        missing = {"ACCOUNTS_SIDECAR_TLS_CERTFILE": str(tmp_path / "none.pem")}

        with pytest.raises(ConfigError, match="ACCOUNTS_SIDECAR_TLS_CERTFILE"):
            sidecar_tls(load_settings(missing, tmp_path))

    def test_needs_a_certificate_with_its_key(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match="sidecar_tls_certfile"):
            load_settings({"ACCOUNTS_SIDECAR_TLS_KEYFILE": "key.pem"}, tmp_path)


def a_server_context(directory: Path) -> tuple[Path, ssl.SSLContext]:
    certificate, key = a_certificate(directory)
    environ = {
        "ACCOUNTS_SIDECAR_TLS_CERTFILE": str(certificate),
        "ACCOUNTS_SIDECAR_TLS_KEYFILE": str(key),
    }
    tls = sidecar_tls(load_settings(environ, directory))
    assert tls is not None
    return certificate, tls
