"""aiokafka's consumer before brokers in memory, to stand under ours."""

# aiokafka annotates only a part of its interface:
# pyright: reportPrivateUsage=false, reportUnknownMemberType=false, reportUnknownArgumentType=false

from typing import Any

from aiokafka import AIOKafkaConsumer

from tests.simulation.kafka.client import SimulatedClient
from tests.simulation.kafka.cluster import SimulatedKafka
from workers.consuming.consumer import CursorConsumer


class SimulatedKafkaConsumer(AIOKafkaConsumer):
    """A consumer of aiokafka's whose client asks *kafka*."""

    def __init__(self, *topics: str, kafka: SimulatedKafka, **settings: Any) -> None:
        super().__init__(*topics, **settings)
        SimulatedClient.take_the_place_of(self._client, kafka)

    def __del__(self) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Say nothing: one whose process was killed was never stopped."""


class SimulatedCursorConsumer(  # pyright: ignore[reportIncompatibleMethodOverride]
    CursorConsumer, SimulatedKafkaConsumer
):
    """The consumer of every group, in memory."""
