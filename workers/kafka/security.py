"""The Kafka connection settings as FastStream wants them: apart, because importing it takes long."""

from faststream.security import BaseSecurity, SASLPlaintext, SASLScram256, SASLScram512

from workers.config.settings import Settings
from workers.kafka.connection import ssl_context

SASL_BY_MECHANISM = {
    "PLAIN": SASLPlaintext,
    "SCRAM-SHA-256": SASLScram256,
    "SCRAM-SHA-512": SASLScram512,
}


def kafka_security(settings: Settings) -> BaseSecurity:
    """Return what FastStream's `KafkaBroker(security=...)` takes.

    Raises:
        ConfigError: A certificate or key file cannot be used.
    """
    uses_tls = settings.kafka_security_protocol.endswith("SSL")
    context = ssl_context(settings) if uses_tls else None
    if not settings.kafka_security_protocol.startswith("SASL_"):
        return BaseSecurity(ssl_context=context, use_ssl=uses_tls)
    assert settings.kafka_sasl_username is not None, "Settings checks it"
    assert settings.kafka_sasl_password is not None, "Settings checks it"
    return SASL_BY_MECHANISM[settings.kafka_sasl_mechanism](
        username=settings.kafka_sasl_username,
        password=settings.kafka_sasl_password.get_secret_value(),
        ssl_context=context,
        use_ssl=uses_tls,
    )
