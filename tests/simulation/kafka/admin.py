"""aiokafka's admin client before brokers in memory."""

# aiokafka annotates only a part of its interface:
# pyright: reportPrivateUsage=false, reportUnknownMemberType=false, reportUnknownArgumentType=false

from typing import Any

from aiokafka.admin import AIOKafkaAdminClient

from tests.simulation.kafka.client import SimulatedClient
from tests.simulation.kafka.cluster import SimulatedKafka


class SimulatedAdminClient(AIOKafkaAdminClient):
    """An admin client of aiokafka's whose client asks *kafka*."""

    def __init__(self, *, kafka: SimulatedKafka, **settings: Any) -> None:
        super().__init__(**settings)
        SimulatedClient.take_the_place_of(self._client, kafka)
