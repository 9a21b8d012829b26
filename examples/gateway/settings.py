"""The gateway's settings: from the environment, else from the dev stack that runs in this directory."""

import os
import ssl
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

from client import Security
from examples.gateway.environment import (
    Found,
    SettingsError,
    count,
    is_loopback,
    needed,
    number,
    text,
)
from examples.gateway.issuer import Issuer, issuer_of
from examples.gateway.sources import networks

DEV_FILE = Path(".accounts", "dev.env")
"""Where `make run` tells other commands its addresses, while it runs."""

ANY_ADDRESS = {"0.0.0.0", "::", ""}  # noqa: S104 - compared with, never listened on

ANSWER_TIMEOUT_S = 30.0
"""Answers take milliseconds, a sign-in on an overloaded machine ten seconds; proxies give up at 60."""

PORT = 8000

OPERATIONS_PORT = 8001

REGISTRATIONS_PER_MINUTE = 10
"""Accounts that one source opens in a row, and then in each minute: an office on the day it starts."""

REGISTRATIONS_PER_MINUTE_MAX = 100_000
"""As good as no bound, for a gateway behind something that bounds them."""

PORT_MAX = 65_535
"""RFC 9293 §3.1: a port has 16 bits."""

OF_OUR_OWN_TOKENS = (
    "GATEWAY_JWKS_URL",
    "GATEWAY_SEALING_KEYS_URL",
    "GATEWAY_TOKEN_ISSUER",
    "GATEWAY_TOKEN_AUDIENCE",
)
"""Settings that say nothing beside GATEWAY_ISSUER."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the gateway needs to know."""

    kafka_bootstrap: str
    """GATEWAY_KAFKA_BOOTSTRAP"""
    issuer: Issuer | None = None
    """GATEWAY_ISSUER, with GATEWAY_AUDIENCE and GATEWAY_USERNAME_CLAIM: whose access tokens are taken in
    the place of the service's own."""
    jwks_url: str = ""
    """GATEWAY_JWKS_URL: the sidecar's /.well-known/jwks.json. Not with GATEWAY_ISSUER."""
    sealing_keys_url: str = ""
    """GATEWAY_SEALING_KEYS_URL: its sealing-keys.json; by default the one beside the former."""
    topic_prefix: str = "accounts."
    """GATEWAY_TOPIC_PREFIX"""
    reply_topic: str | None = None
    """GATEWAY_REPLY_TOPIC: one of its own, `<prefix>replies.<anything>`; else it reads everybody's."""
    token_issuer: str = "accounts"  # noqa: S105 - a name
    """GATEWAY_TOKEN_ISSUER"""
    token_audience: str = "accounts"  # noqa: S105 - a name
    """GATEWAY_TOKEN_AUDIENCE"""
    host: str = "127.0.0.1"
    """GATEWAY_HOST"""
    port: int = PORT
    """GATEWAY_PORT"""
    operations_host: str = "127.0.0.1"
    """GATEWAY_OPERATIONS_HOST"""
    operations_port: int = OPERATIONS_PORT
    """GATEWAY_OPERATIONS_PORT: metrics and the OpenAPI document, apart from what the public sees."""
    trusted_proxies: str = ""
    """GATEWAY_TRUSTED_PROXIES: addresses and networks whose X-Forwarded-For is believed, or `*`. What a
    source may have at once, and its failed sign-ins, are counted by address."""
    cors_origins: tuple[str, ...] = ()
    """GATEWAY_CORS_ORIGINS: whose pages may call from browsers, such as `https://shop.example`."""
    registrations_per_minute: int = REGISTRATIONS_PER_MINUTE
    """GATEWAY_REGISTRATIONS_PER_MINUTE: accounts that one source may open."""
    answer_timeout_s: float = ANSWER_TIMEOUT_S
    """GATEWAY_ANSWER_TIMEOUT_S"""
    security_protocol: str = "PLAINTEXT"
    """GATEWAY_KAFKA_SECURITY_PROTOCOL"""
    sasl_mechanism: str = "SCRAM-SHA-512"
    """GATEWAY_KAFKA_SASL_MECHANISM"""
    sasl_username: str | None = None
    """GATEWAY_KAFKA_SASL_USERNAME"""
    sasl_password: str | None = field(default=None, repr=False)
    """GATEWAY_KAFKA_SASL_PASSWORD"""
    ca_file: str | None = None
    """GATEWAY_KAFKA_CA_FILE: else the system's authorities."""

    def security(self) -> Security:
        """Return how to log in to Kafka."""
        security = Security(security_protocol=self.security_protocol)
        if self.security_protocol.endswith("SSL"):
            security["ssl_context"] = ssl.create_default_context(cafile=self.ca_file)
        if self.security_protocol.startswith("SASL"):
            security["sasl_mechanism"] = self.sasl_mechanism
            security["sasl_plain_username"] = self.sasl_username
            security["sasl_plain_password"] = self.sasl_password
        return security


def in_the_clear(settings: Settings) -> list[str]:
    """Return what is not encrypted beyond this machine: whoever is on the way could change it."""
    brokers = [each.rpartition(":")[0] for each in settings.kafka_bootstrap.split(",")]
    key_set = urlsplit(settings.jwks_url)
    found: list[str] = []
    if not settings.security_protocol.endswith("SSL") and not all(map(is_loopback, brokers)):
        found.append("Kafka; set GATEWAY_KAFKA_SECURITY_PROTOCOL to SASL_SSL or SSL")
    # Another issuer's is never fetched in the clear.
    by_sidecar = settings.issuer is None
    if by_sidecar and key_set.scheme != "https" and not is_loopback(key_set.hostname or ""):
        found.append("the key set, by which tokens are believed; give GATEWAY_JWKS_URL with https")
    return found


def load_settings(environ: Mapping[str, str] = os.environ, directory: Path = Path()) -> Settings:
    """Return the settings.

    Raises:
        SettingsError: One is missing or wrong.
    """
    found = _found(environ, _dev_stack(directory / DEV_FILE))
    return Settings(
        kafka_bootstrap=needed(found, "KAFKA_BOOTSTRAP"),
        **_tokens(found, {name for name in environ if environ[name]}),
        topic_prefix=text(found, "TOPIC_PREFIX", "accounts."),
        reply_topic=found.get("REPLY_TOPIC"),
        host=text(found, "HOST", "127.0.0.1"),
        port=int(number(found, "PORT", PORT, PORT_MAX)),
        operations_host=text(found, "OPERATIONS_HOST", "127.0.0.1"),
        operations_port=int(number(found, "OPERATIONS_PORT", OPERATIONS_PORT, PORT_MAX)),
        answer_timeout_s=number(found, "ANSWER_TIMEOUT_S", ANSWER_TIMEOUT_S, 60),
        **_public(found),
        security_protocol=text(found, "KAFKA_SECURITY_PROTOCOL", "PLAINTEXT"),
        sasl_mechanism=text(found, "KAFKA_SASL_MECHANISM", "SCRAM-SHA-512"),
        sasl_username=found.get("KAFKA_SASL_USERNAME"),
        sasl_password=found.get("KAFKA_SASL_PASSWORD"),
        ca_file=found.get("KAFKA_CA_FILE"),
    )


def _tokens(found: Found, given: Collection[str]) -> dict[str, Any]:
    """Return whose access tokens are taken: another issuer's, or the service's own."""
    issuer = issuer_of(found)
    if issuer is not None:
        for name in OF_OUR_OWN_TOKENS:
            if name in given:
                raise SettingsError(
                    f"{name} is for the service's own tokens, and GATEWAY_ISSUER for another "
                    "issuer's, who is the only one then; unset one of them"
                )
        return {"issuer": issuer}
    jwks_url = needed(found, "JWKS_URL")
    return {
        "jwks_url": jwks_url,
        "sealing_keys_url": text(found, "SEALING_KEYS_URL", urljoin(jwks_url, "sealing-keys.json")),
        "token_issuer": text(found, "TOKEN_ISSUER", "accounts"),
        "token_audience": text(found, "TOKEN_AUDIENCE", "accounts"),
    }


def _found(environ: Mapping[str, str], dev: Mapping[str, str]) -> Found:
    """Return what is set, by name: the dev stack's addresses, and the environment before them."""
    host, port = dev.get("ACCOUNTS_SIDECAR_HOST", ""), dev.get("ACCOUNTS_SIDECAR_PORT", "")
    sidecar = f"{'127.0.0.1' if host in ANY_ADDRESS else host}:{port}"
    of_dev = {
        "KAFKA_BOOTSTRAP": dev.get("ACCOUNTS_KAFKA_BOOTSTRAP"),
        "TOPIC_PREFIX": dev.get("ACCOUNTS_TOPIC_PREFIX"),
        "JWKS_URL": f"http://{sidecar}/.well-known/jwks.json" if port else None,
    }
    # Set to nothing means not set: compose files and shells cannot say it otherwise.
    return of_dev | {
        name.removeprefix("GATEWAY_"): value
        for name, value in environ.items()
        if name.startswith("GATEWAY_") and value
    }


def _public(found: Found) -> dict[str, Any]:
    """Return what concerns those who call, and from where."""
    return {
        "trusted_proxies": _proxies(found.get("TRUSTED_PROXIES") or ""),
        "cors_origins": _origins(found.get("CORS_ORIGINS") or ""),
        "registrations_per_minute": count(
            found,
            "REGISTRATIONS_PER_MINUTE",
            REGISTRATIONS_PER_MINUTE,
            REGISTRATIONS_PER_MINUTE_MAX,
        ),
    }


def _proxies(hosts: str) -> str:
    try:
        networks(hosts)
    except ValueError:
        raise SettingsError(
            "GATEWAY_TRUSTED_PROXIES is no list of IP addresses or networks, nor `*`; mend or unset it"
        ) from None
    return hosts


def _origins(listed: str) -> tuple[str, ...]:
    origins = tuple(origin.strip() for origin in listed.split(",") if origin.strip())
    for origin in origins:
        parts = urlsplit(origin)
        # RFC 6454 §6.2: scheme, host and port, and nothing behind them, not even a slash.
        if origin != f"{parts.scheme}://{parts.netloc}" or parts.scheme not in {"http", "https"}:
            raise SettingsError(
                "GATEWAY_CORS_ORIGINS is no list of origins such as https://shop.example; mend or "
                "unset it"
            )
    return origins


def _dev_stack(path: Path) -> dict[str, str]:
    """Return what `make run` left for other commands, while it runs."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
        pairs = dict(line.split("=", 1) for line in lines if "=" in line)
        os.kill(int(pairs["ACCOUNTS_DEV_PID"]), 0)  # signal 0 only asks whether it still runs
    except (OSError, ValueError, KeyError, OverflowError):
        return {}
    return pairs
