"""`python -m examples.gateway`: the gateway on uvicorn, beside a running `make run` or as configured."""

import asyncio
import resource
import sys
from contextlib import suppress
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from examples.gateway.app import create_app
from examples.gateway.connections import ACCEPTED_AT_ONCE_MAX, CONNECTIONS_MAX, connections
from examples.gateway.opening import opened
from examples.gateway.operations import create_operations
from examples.gateway.settings import Settings, SettingsError, in_the_clear, load_settings
from examples.gateway.sources import networks

STOP_MAX_S = 10
"""Longest wait for requests in hand at a stop: a little more than the longest wait for an answer."""

OWN_FILES = 256
"""File descriptors for Kafka, the keys, and what waits to be accepted."""

OPERATORS_MAX = 64
"""Connections of those who read metrics and the document."""


def main() -> None:
    """Serve until a signal comes."""
    try:
        settings = load_settings()
    except SettingsError as error:
        sys.exit(f"gateway: {error}")
    for each in in_the_clear(settings):
        sys.stderr.write(f"gateway: warning: in the clear: {each}\n")
    with suppress(KeyboardInterrupt):
        asyncio.run(_serve(settings))


async def _serve(settings: Settings) -> None:
    app = create_app(
        lambda: opened(settings), issuer=settings.issuer, cors_origins=settings.cors_origins
    )
    public = _server(
        app,
        host=settings.host,
        port=settings.port,
        http=connections(networks(settings.trusted_proxies), _connections_max()),
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=settings.trusted_proxies,
    )
    operations = _server(
        create_operations(app),
        host=settings.operations_host,
        port=settings.operations_port,
        http=connections((), OPERATORS_MAX),
        lifespan="off",
        proxy_headers=False,
    )
    # The second takes over the signals from the first, and passes them on when it has ended.
    await asyncio.gather(public.serve(), operations.serve())


def _server(app: ASGIApp, **options: Any) -> uvicorn.Server:
    config = uvicorn.Config(
        app,
        ws="none",
        server_header=False,
        backlog=ACCEPTED_AT_ONCE_MAX,
        timeout_graceful_shutdown=STOP_MAX_S,
        **options,
    )
    return uvicorn.Server(config)


def _connections_max() -> int:
    """Return how many connections there are file descriptors for, after asking for enough."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CONNECTIONS_MAX + ACCEPTED_AT_ONCE_MAX + OWN_FILES
    if soft < wanted:
        soft = min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return max(soft - ACCEPTED_AT_ONCE_MAX - OWN_FILES, 1)


if __name__ == "__main__":
    main()
