"""Strangers at the HTTP servers: connections that only stay, and one address that opens many accounts."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

import httpx2

from benchmarks.subject import PASSWORD

STRANGER = "127.0.0.2"
"""Where they all come from; those who pay come from 127.0.0.1. Both are this machine."""

AGAIN_S = 10.0
"""A connection that was ended is opened again so much later."""


@asynccontextmanager
async def staying(ports: Sequence[int], count: int, said: bytes) -> AsyncGenerator[None]:
    """Keep *count* connections to each port open that say no more; those that end come again."""

    async def stay(port: int) -> None:
        while True:
            try:
                reader, writer = await asyncio.open_connection(
                    "127.0.0.1", port, local_addr=(STRANGER, 0)
                )
                writer.write(said)
                await reader.read()
                writer.close()
            except OSError:
                pass
            await asyncio.sleep(AGAIN_S)

    strangers = [asyncio.create_task(stay(port)) for port in ports for _ in range(count)]
    await asyncio.sleep(1)
    try:
        yield
    finally:
        for stranger in strangers:
            stranger.cancel()
        await asyncio.gather(*strangers, return_exceptions=True)


@asynccontextmanager
async def registering(gateway: str, count: int, said: dict[str, int]) -> AsyncGenerator[None]:
    """Have one address open *count* accounts at once, and note what it is told."""
    transport = httpx2.AsyncHTTPTransport(
        local_address=STRANGER, limits=httpx2.Limits(max_connections=count)
    )
    async with httpx2.AsyncClient(base_url=gateway, transport=transport, timeout=60) as client:

        async def register(number: int) -> None:
            body = {
                "username": f"stranger-{number}",
                "email": f"stranger-{number}@example.com",
                "first_name": "Stran",
                "last_name": "Ger",
                "password": PASSWORD,
            }
            try:
                told = str((await client.post("/auth/register", json=body)).status_code)
            except httpx2.HTTPError as error:
                told = type(error).__name__
            said[told] = said.get(told, 0) + 1

        tasks = [asyncio.create_task(register(number)) for number in range(count)]
        yield
        await asyncio.gather(*tasks)
