"""How the command line reaches the service: the client, and the key to seal to."""

import asyncio
import json
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from cli.screen.output import CliError
from client.accounts import AccountsClient
from client.kafka import Kafka, Security
from workers.config.settings import Settings
from workers.kafka.connection import kafka_connection

if TYPE_CHECKING:
    from http.client import HTTPConnection

HTTP_TIMEOUT_S = 15
"""The sidecar answers in milliseconds, where nothing runs at once; after this it hangs."""

SEALING_KEYS = "/.well-known/sealing-keys.json"
"""Where a sidecar shows what to seal to."""

ANY_ADDRESS = {"0.0.0.0", "::", ""}  # noqa: S104 - compared with, never listened on
"""Where a sidecar listens on all addresses, it is asked on this machine's own."""


def kafka_of(settings: Settings) -> Kafka:
    """Return where Kafka is, as the client takes it."""
    connection = kafka_connection(settings)
    del connection["bootstrap_servers"]
    return Kafka(settings.kafka_bootstrap, cast("Security", connection))


def client_of(settings: Settings) -> AccountsClient:
    """Return a client for the configured service."""
    kafka = kafka_of(settings)
    return AccountsClient(
        kafka.bootstrap, topic_prefix=settings.topic_prefix, security=kafka.security
    )


@dataclass(frozen=True, slots=True)
class Sidecar:
    """Where to ask the sidecar, and how to know it."""

    host: str
    port: int
    certificate: Path | None = None

    def __str__(self) -> str:
        """Return its URL."""
        scheme = "http" if self.certificate is None else "https"
        return f"{scheme}://{self.host}:{self.port}"

    def get(self, path: str) -> tuple[int, bytes]:
        """Return status and body of one GET.

        Raises:
            OSError, HTTPException: It does not answer, or somebody else does.
        """
        connection = self._connection()
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def _connection(self) -> "HTTPConnection":
        from http.client import HTTPConnection, HTTPSConnection

        if self.certificate is None:
            return HTTPConnection(self.host, self.port, timeout=HTTP_TIMEOUT_S)
        # It is on this machine, so we have its very certificate, whatever host that names.
        trusted = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        trusted.check_hostname = False
        trusted.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        trusted.load_verify_locations(self.certificate)
        return HTTPSConnection(self.host, self.port, timeout=HTTP_TIMEOUT_S, context=trusted)


def sidecar_of(settings: Settings) -> Sidecar:
    """Return where to ask the sidecar."""
    host = "127.0.0.1" if settings.sidecar_host in ANY_ADDRESS else settings.sidecar_host
    return Sidecar(host, settings.sidecar_port, settings.sidecar_tls_certfile)


async def sealing_keys_of(settings: Settings, file: Path | None) -> dict[str, Any]:
    """Return the set that the client takes; raises as `key_to_seal_to`."""
    return {"keys": [await key_to_seal_to(settings, file)]}


async def key_to_seal_to(settings: Settings, file: Path | None) -> dict[str, Any]:
    """Return the service's public sealing key, from *file* or else from its sidecar.

    Raises:
        CliError: It cannot be had.
    """
    from http.client import HTTPException

    from client.sealing import sealing_key

    if file is not None:
        return _key_in(file)
    sidecar = sidecar_of(settings)
    try:
        _, body = await asyncio.to_thread(sidecar.get, SEALING_KEYS)
        return sealing_key(json.loads(body))
    except (OSError, HTTPException, ValueError) as error:
        raise CliError(
            f"no sealing key at {sidecar}{SEALING_KEYS} ({_reason(error)}); start the worker, set "
            "ACCOUNTS_SIDECAR_PORT, or give the key with --sealing-key FILE"
        ) from error


def _key_in(file: Path) -> dict[str, Any]:
    from client.sealing import sealing_key

    try:
        found = json.loads(file.read_bytes())
        return sealing_key(found if "keys" in found else {"keys": [found]})
    except (OSError, ValueError, TypeError) as error:
        raise CliError(
            f"{file} has no sealing key ({_reason(error)}); it is the service's public JWK, or "
            f"its whole {SEALING_KEYS}"
        ) from error


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
