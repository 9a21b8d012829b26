"""The HTTP server of the sidecar: where it listens, and within which bounds."""

import socket
import ssl

import uvicorn
from starlette.types import ASGIApp

from workers.bootstrap.sidecar_connections import ACCEPTED_AT_ONCE_MAX, SidecarConnection
from workers.config.settings import ConfigError, Settings


def sidecar_server(
    app: ASGIApp,
    tls: ssl.SSLContext | None = None,
    connection: type[SidecarConnection] = SidecarConnection,
) -> uvicorn.Server:
    """Return the server of *app*, whose lifespan is that of the workers."""
    config = uvicorn.Config(
        app,
        http=type("SecuredConnection", (connection,), {"tls": tls, "all_open": {}}),
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        backlog=ACCEPTED_AT_ONCE_MAX,
        timeout_graceful_shutdown=2,
    )
    return uvicorn.Server(config)


def sidecar_tls(settings: Settings) -> ssl.SSLContext | None:
    """Return how connections are secured, None where they are not.

    Raises:
        ConfigError: The certificate or its key cannot be used.
    """
    if settings.sidecar_tls_certfile is None:
        return None
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        tls.load_cert_chain(settings.sidecar_tls_certfile, settings.sidecar_tls_keyfile)
    except OSError as error:
        raise ConfigError(
            f"the sidecar cannot use the certificate {settings.sidecar_tls_certfile} with its key "
            f"({error.strerror or error}); mend ACCOUNTS_SIDECAR_TLS_CERTFILE and "
            "ACCOUNTS_SIDECAR_TLS_KEYFILE"
        ) from error
    return tls


def listen(settings: Settings) -> socket.socket:
    """Return the socket to listen on.

    Raises:
        ConfigError: The address cannot be had.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.sidecar_host, settings.sidecar_port))
    except OSError as error:
        listener.close()
        raise ConfigError(
            f"the sidecar cannot listen on {settings.sidecar_host}:{settings.sidecar_port} "
            f"({error.strerror}); set ACCOUNTS_SIDECAR_PORT to a free port, or 0 for any"
        ) from error
    return listener
