"""What makes the clients that speak to Kafka: aiokafka's, unless somebody puts others in their place."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaClients:
    """Each takes the arguments of the class that stands here."""

    producer: Callable[..., AIOKafkaProducer] = AIOKafkaProducer
    consumer: Callable[..., AIOKafkaConsumer] = AIOKafkaConsumer
    """One that reads nothing, and only asks."""
    admin: Callable[..., AIOKafkaAdminClient] = AIOKafkaAdminClient


AIOKAFKA: Final = KafkaClients()
