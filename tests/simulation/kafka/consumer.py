"""aiokafka's consumer before brokers in memory, to stand under ours."""

# aiokafka annotates only a part of its interface:
# pyright: reportPrivateUsage=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from collections.abc import Iterable
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from tests.simulation.kafka.client import SimulatedClient
from tests.simulation.kafka.cluster import SimulatedKafka
from workers.consuming.consumer import CursorConsumer


class SimulatedKafkaConsumer(AIOKafkaConsumer):
    """A consumer of aiokafka's whose client asks *kafka*."""

    def __init__(self, *topics: str, kafka: SimulatedKafka, **settings: Any) -> None:
        super().__init__(*topics, **settings)
        SimulatedClient.take_the_place_of(self._client, kafka)
        client: Any = self._client
        client.ends_known = self._ends_known

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """Read on at *offset*."""
        super().seek(partition, offset)
        self._read_on([partition])

    def resume(self, *partitions: TopicPartition) -> None:
        """Read *partitions* again."""
        super().resume(*partitions)
        self._read_on(partitions)

    async def getmany(self, *partitions: TopicPartition, **how: Any) -> Any:
        """Return what was fetched, or what comes in time; what was there is fetched on from then."""
        fetcher: Any = self._fetcher
        waiting = fetcher._records
        before = list(waiting)
        try:
            return await super().getmany(*partitions, **how)
        finally:
            if before:
                self._read_on([tp for tp in before if tp not in waiting])

    def _ends_known(self, topic: str, number: int) -> tuple[int, int] | None:
        assignment: Any = getattr(self._subscription.subscription, "assignment", None)
        tp = TopicPartition(topic, number)
        if assignment is None or tp not in assignment.tps:
            return None
        state = assignment.state_value(tp)
        return state.highwater, state.lso

    def _read_on(self, places: Iterable[TopicPartition]) -> None:
        client: Any = self._client
        if not client._holds:
            return
        assignment: Any = getattr(self._subscription.subscription, "assignment", None)
        if assignment is not None:
            states = {tp: assignment.state_value(tp) for tp in places if tp in assignment.tps}
            client.read_on({tp: state._position for tp, state in states.items()})

    def __del__(self) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Say nothing: one whose process was killed was never stopped."""


class SimulatedCursorConsumer(  # pyright: ignore[reportIncompatibleMethodOverride]
    CursorConsumer, SimulatedKafkaConsumer
):
    """The consumer of every group, in memory."""
