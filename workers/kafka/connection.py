"""How to reach Kafka: connection settings for every client, and the admin client."""

import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from workers.config.settings import ConfigError, Settings

ADMIN_TIMEOUT_MS = 10_000
"""How long one question to the brokers may take: a start-up check answers while one looks on."""


class KafkaUnreachableError(Exception):
    """No broker answered. Says which were asked and what to check."""


def kafka_connection(settings: Settings) -> dict[str, Any]:
    """Return the arguments of every aiokafka client: where Kafka is, who we are, what we trust.

    Raises:
        ConfigError: A certificate or key file cannot be used.
    """
    arguments: dict[str, Any] = {
        "bootstrap_servers": settings.kafka_bootstrap.split(","),
        "security_protocol": settings.kafka_security_protocol,
    }
    if settings.kafka_security_protocol.endswith("SSL"):
        arguments["ssl_context"] = ssl_context(settings)
    if settings.kafka_security_protocol.startswith("SASL_"):
        assert settings.kafka_sasl_password is not None, "Settings checks it"
        arguments |= {
            "sasl_mechanism": settings.kafka_sasl_mechanism,
            "sasl_plain_username": settings.kafka_sasl_username,
            "sasl_plain_password": settings.kafka_sasl_password.get_secret_value(),
        }
    return arguments


def ssl_context(settings: Settings) -> ssl.SSLContext:
    """Return whom we trust and, for mutual TLS, who we are.

    Raises:
        ConfigError: A certificate or key file cannot be used.
    """
    context = ssl.create_default_context()
    try:
        if settings.kafka_ssl_cafile:
            context = ssl.create_default_context(cafile=str(settings.kafka_ssl_cafile))
        if settings.kafka_ssl_certfile:
            secret = settings.kafka_ssl_key_password
            context.load_cert_chain(
                settings.kafka_ssl_certfile,
                settings.kafka_ssl_keyfile,
                # Without a password OpenSSL would ask the terminal for one.
                secret.get_secret_value() if secret else "",
            )
    except (OSError, ssl.SSLError) as error:
        reason = error.strerror or type(error).__name__
        raise ConfigError(
            "kafka_ssl_cafile, kafka_ssl_certfile or kafka_ssl_keyfile cannot be used "
            f"({reason}): check that they are readable PEM files that belong together"
        ) from None
    return context


@asynccontextmanager
async def kafka_admin(settings: Settings) -> AsyncGenerator[AIOKafkaAdminClient]:
    """Open an admin client.

    Raises:
        KafkaUnreachableError: No broker answered.
    """
    admin = AIOKafkaAdminClient(**kafka_connection(settings), request_timeout_ms=ADMIN_TIMEOUT_MS)
    try:
        await admin.start()
    except (KafkaError, OSError) as error:
        await admin.close()
        raise KafkaUnreachableError(
            f"Kafka at {settings.kafka_bootstrap} does not answer ({type(error).__name__}); "
            "start it (`accounts dev`) or set ACCOUNTS_KAFKA_BOOTSTRAP and the "
            "ACCOUNTS_KAFKA_SECURITY_PROTOCOL that it speaks"
        ) from None
    try:
        yield admin
    finally:
        await admin.close()
