"""aiokafka's producer before brokers in memory."""

# aiokafka annotates only a part of its interface:
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false

from typing import Any

from aiokafka import AIOKafkaProducer

from tests.simulation.kafka.client import SimulatedClient
from tests.simulation.kafka.cluster import SimulatedKafka


class SimulatedProducer(AIOKafkaProducer):
    """A producer of aiokafka's whose client asks *kafka*."""

    def __init__(self, *, kafka: SimulatedKafka, **settings: Any) -> None:
        super().__init__(**settings)
        SimulatedClient.take_the_place_of(self.client, kafka)

    def __del__(self) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Say nothing: one whose process was killed was never stopped."""
