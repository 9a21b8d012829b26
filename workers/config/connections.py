"""Where Kafka, MongoDB and Redis are and how to get in, and where the sidecar listens."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

PORT_MAX = 65_535
"""TCP."""

Positive = Annotated[int, Field(gt=0)]
Url = Annotated[str, Field(repr=False)]


class Connections(BaseModel):
    """The settings of all three servers, and of our own."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    kafka_bootstrap: str = Field("127.0.0.1:9092", pattern=r"^[^\s,:]+:\d+(,[^\s,:]+:\d+)*$")
    """Kafka brokers to start from, `host:port`, separated by commas."""
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    """How to speak to Kafka."""
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    """How to sign in to Kafka, with SASL_PLAINTEXT and SASL_SSL."""
    kafka_sasl_username: str | None = None
    """Who signs in to Kafka."""
    kafka_sasl_password: SecretStr | None = None
    """The password for Kafka."""
    kafka_ssl_cafile: Path | None = None
    """Certificates to trust Kafka's by (PEM); the system's where not given."""
    kafka_ssl_certfile: Path | None = None
    """Our own certificate for Kafka (PEM), for mutual TLS."""
    kafka_ssl_keyfile: Path | None = None
    """The key of that certificate (PEM)."""
    kafka_ssl_key_password: SecretStr | None = None
    """The password of that key, if it has one."""

    mongodb_uri: Url = Field("mongodb://127.0.0.1:27017/", pattern=r"^mongodb(\+srv)?://")
    """Where MongoDB is, with credentials where needed."""
    mongodb_database: str = Field("accounts", pattern=r"^[A-Za-z0-9_-]{1,63}$")
    """Database that holds everything."""
    mongo_driver: Literal["pymongo", "motor"] = "pymongo"
    """Library that speaks to MongoDB; motor is an extra and past its end of life."""
    mongodb_timeout_ms: Positive = 5000
    """How long one operation may take, retries included; below the transaction lifetime limit."""
    mongodb_tls_ca_file: Path | None = None
    """Certificates to trust MongoDB's by (PEM); turns TLS on."""
    mongodb_tls_certificate_key_file: Path | None = None
    """Our own certificate and key for MongoDB in one file (PEM), for mutual TLS."""

    redis_url: Url = Field("redis://127.0.0.1:6379/0", pattern=r"^(rediss?|unix)://")
    """Where Redis is, with credentials where needed; `rediss://` means TLS."""
    redis_timeout_ms: Positive = 1000
    """How long one operation may take; Redis may be away, so nothing waits long for it."""
    redis_tls_ca_file: Path | None = None
    """Certificates to trust that of Redis by (PEM)."""
    redis_tls_certfile: Path | None = None
    """Our own certificate for Redis (PEM), for mutual TLS."""
    redis_tls_keyfile: Path | None = None
    """The key of that certificate (PEM)."""

    sidecar_host: str = "127.0.0.1"
    """Address the sidecar listens on."""
    sidecar_port: int = Field(8080, ge=0, le=PORT_MAX)
    """Port the sidecar listens on; 0 takes a free one."""
    sidecar_tls_certfile: Path | None = None
    """The sidecar's certificate, with those that it was made by (PEM); turns TLS on."""
    sidecar_tls_keyfile: Path | None = None
    """The key of that certificate (PEM), where it is not in the same file."""

    @property
    def sidecar_scheme(self) -> str:
        """How to ask the sidecar."""
        return "http" if self.sidecar_tls_certfile is None else "https"

    def sidecar_problems(self) -> list[str]:
        """Return what does not go together, a line each."""
        if self.sidecar_tls_keyfile and not self.sidecar_tls_certfile:
            return ["sidecar_tls_keyfile needs sidecar_tls_certfile beside it"]
        return []

    def kafka_problems(self) -> list[str]:
        """Return what does not go together, a line each."""
        problems: list[str] = []
        signs_in = self.kafka_security_protocol.startswith("SASL_")
        if signs_in and not (self.kafka_sasl_username and self.kafka_sasl_password):
            problems.append(
                f"kafka_security_protocol {self.kafka_security_protocol} needs "
                "kafka_sasl_username and kafka_sasl_password"
            )
        if self.kafka_ssl_keyfile and not self.kafka_ssl_certfile:
            problems.append("kafka_ssl_keyfile needs kafka_ssl_certfile beside it")
        if self.kafka_ssl_cafile and not self.kafka_security_protocol.endswith("SSL"):
            problems.append(
                "kafka_ssl_cafile is given, but kafka_security_protocol "
                f"{self.kafka_security_protocol} does not use TLS; choose SSL or SASL_SSL"
            )
        return problems
