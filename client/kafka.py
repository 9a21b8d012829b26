"""The way to Kafka: where it is, how to log in, and which partitions there are."""

import ssl
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, TypeAlias, TypedDict, cast

from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.abc import AbstractTokenProvider
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from client.errors import TopicMissingError, UnreachableError

REQUEST_TIMEOUT_MS = 10_000
"""One question to a broker: several times the slowest healthy one, and short enough to tell."""

UNKNOWN_TOPIC = 3
"""Kafka's error code UNKNOWN_TOPIC_OR_PARTITION."""

NOT_AUTHORIZED = 29
"""Kafka's error code TOPIC_AUTHORIZATION_FAILED."""

Record: TypeAlias = ConsumerRecord[bytes, bytes]


class Security(TypedDict, total=False):
    """How to log in to Kafka; the names are aiokafka's own, and so are the defaults."""

    security_protocol: str
    ssl_context: ssl.SSLContext | None
    sasl_mechanism: str
    sasl_plain_username: str | None
    sasl_plain_password: str | None
    sasl_oauth_token_provider: AbstractTokenProvider | None


@dataclass(frozen=True, slots=True)
class Kafka:
    """Where Kafka is and how to log in."""

    bootstrap: str
    security: Security

    def arguments(self) -> dict[str, Any]:
        """Return what every client of aiokafka takes."""
        return {
            "bootstrap_servers": self.bootstrap,
            "request_timeout_ms": REQUEST_TIMEOUT_MS,
            **self.security,
        }

    def unreachable(self) -> UnreachableError:
        """Return the error that says where nobody answered."""
        return UnreachableError(
            f"no Kafka answers at {self.bootstrap}; check the address, the log-in, and that it runs"
        )

    async def partitions(self, topics: Collection[str]) -> list[TopicPartition]:
        """Return every partition of *topics*.

        Raises:
            UnreachableError: Kafka does not answer.
            TopicMissingError: Names the topics that are not there.
        """
        admin = AIOKafkaAdminClient(**self.arguments())
        try:
            await admin.start()
            described = cast("list[dict[str, Any]]", await admin.describe_topics([*topics]))
        except KafkaError as error:
            raise self.unreachable() from error
        finally:
            await admin.close()
        missing = sorted(
            topic["topic"]
            for topic in described
            if topic["error_code"] in {UNKNOWN_TOPIC, NOT_AUTHORIZED}
        )
        if missing:
            raise TopicMissingError(
                f"no topic {', '.join(missing)} at {self.bootstrap}, or no right to see it; "
                "create topics with `accounts topics apply`, or check the topic prefix"
            )
        return [
            TopicPartition(topic["topic"], partition["partition"])
            for topic in described
            for partition in topic["partitions"]
        ]
