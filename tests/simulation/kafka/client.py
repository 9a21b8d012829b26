"""aiokafka's connection to the brokers: everything above it is aiokafka's own code.

Records are lost between a library and its user, so only what lies below the library is replaced: every fetch, join, commit
and produce request goes through `send`, where our own screens stand, and its answer is read by aiokafka. What it
drops at a seek, what a poll that raises takes along, whom it lets commit: none of that is written here.
"""

# aiokafka annotates only a part of its interface:
# pyright: reportPrivateUsage=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportIncompatibleMethodOverride=false

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, cast

from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import (
    CorruptRecordException,
    KafkaConnectionError,
    KafkaError,
    RequestTimedOutError,
)
from aiokafka.protocol.fetch import FetchResponse_v4
from aiokafka.protocol.metadata import MetadataRequest
from aiokafka.util import create_task

from tests.simulation.kafka import calls
from tests.simulation.kafka.answers import answer_of
from tests.simulation.kafka.batches import damaged
from tests.simulation.kafka.cluster import SimulatedKafka
from tests.simulation.kafka.holding import Hold


class SimulatedClient(AIOKafkaClient):
    """Asks brokers in memory; every question has a fate."""

    kafka: SimulatedKafka
    ends_known: Callable[[str, int], tuple[int, int] | None] | None
    """Says which ends of a partition a consumer has heard of, so that it is told of others only."""
    _holds: dict[int, Hold]
    """The fetches that brokers hold."""

    @classmethod
    def take_the_place_of(cls, client: AIOKafkaClient, kafka: SimulatedKafka) -> None:
        """Have *client*, which somebody of aiokafka's made for itself, ask *kafka*."""
        client.__class__ = cls
        simulated = cast("SimulatedClient", client)
        simulated.kafka = kafka
        simulated.ends_known = None
        simulated._holds = {}

    def read_on(self, places: Mapping[TopicPartition, int | None]) -> None:
        """Let fetches end in time that do not ask for *places* where they are read on from now."""
        for hold in self._holds.values():
            hold.ends_for(places)

    async def bootstrap(self) -> None:
        """Learn which brokers there are.

        Raises:
            KafkaConnectionError: None answers.
        """
        try:
            metadata = await self._ask(self.get_random_node(), MetadataRequest([]))
        except KafkaError as error:
            raise KafkaConnectionError(f"Unable to bootstrap from {self.hosts}") from error
        self.cluster.update_metadata(metadata)
        self._sync_task = create_task(self._md_synchronizer())

    def get_random_node(self) -> int:
        """Return one of the brokers."""
        return self.kafka.random.randrange(self.kafka.brokers)

    async def ready(self, node_id: int, *, group: object = None) -> bool:
        """Say that a connection is there: one that breaks is an error of what is asked over it."""
        del node_id, group
        return True

    async def coordinator_lookup(self, coordinator_type: Any, coordinator_key: str) -> int:
        """Return the broker that knows a group.

        Raises:
            KafkaError: There is none at the moment.
        """
        del coordinator_type, coordinator_key
        call, patience_s = calls.CALLS[calls.FIND_COORDINATOR], self._patience_s
        try:
            return await self.kafka.network.ask(call, lambda: 0, patience_s=patience_s)
        except TimeoutError as error:
            raise RequestTimedOutError from error

    async def _metadata_update(self, cluster_metadata: Any, topics: Any) -> bool:
        request = MetadataRequest(sorted(topics) if topics else None)
        try:
            metadata = await self._ask(self.get_random_node(), request)
        except KafkaError:
            cluster_metadata.failed_update(None)
            return False
        cluster_metadata.update_metadata(metadata)
        return True

    async def send(self, node_id: int, request: Any, *, group: object = None) -> Any:
        """Ask a broker.

        Raises:
            KafkaError: One of `TRANSPORT`; what the broker itself refuses is in its answer.
        """
        del group
        try:
            return await self._ask(node_id, request)
        except (RequestTimedOutError, KafkaConnectionError):
            self.force_metadata_update()  # as when a connection breaks
            raise

    async def _ask(self, node_id: int, request: Any) -> Any:
        try:
            if request.API_KEY == calls.FETCH:
                return await self._fetch(node_id, request)
            return await self._answer(node_id, request)
        except TimeoutError as error:
            raise RequestTimedOutError from error

    @property
    def _patience_s(self) -> float:
        return self._request_timeout_ms / 1000

    async def _answer(self, node_id: int, request: Any) -> Any:
        effect = partial(answer_of, self.kafka, node_id, request)
        try:
            answer = await self.kafka.network.ask(
                calls.CALLS[request.API_KEY], effect, patience_s=self._patience_s
            )
            if not isinstance(answer, asyncio.Future):
                return answer
            async with asyncio.timeout(self._patience_s):
                return await answer
        except calls.TRANSPORT:
            raise
        except KafkaError as error:
            return calls.refusal(request, calls.code_of(error))

    async def _fetch(self, node_id: int, request: Any) -> Any:
        """Fetch, once there is something or for as long as it may be held."""
        hold = Hold(self.kafka, node_id, request)
        self._holds[node_id] = hold
        try:
            await hold.over()
        finally:
            if self._holds.get(node_id) is hold:
                del self._holds[node_id]
        fetched: list[Any] = []
        if self.ends_known is not None:
            request.ends_known = self.ends_known

        def effect() -> FetchResponse_v4:
            fetched.append(answer_of(self.kafka, node_id, request))
            return fetched[0]

        try:
            return await self.kafka.network.ask(
                calls.CALLS[calls.FETCH], effect, patience_s=self._patience_s
            )
        except calls.TRANSPORT:
            raise
        except CorruptRecordException as error:
            return (
                _damaged_last(fetched[0])
                if fetched
                else calls.refusal(request, calls.code_of(error))
            )
        except KafkaError as error:
            return calls.refusal(request, calls.code_of(error))


def _damaged_last(answer: Any) -> FetchResponse_v4:
    """Return *answer* with a bit of its last partition's records gone: the others come before it."""
    topics: list[Any] = [(name, list(parts)) for name, parts in answer.topics]
    for _, parts in reversed(topics):
        for at in reversed(range(len(parts))):
            number, code, end, stable, aborted, data = parts[at]
            if data:
                parts[at] = (number, code, end, stable, aborted, damaged(data))
                return FetchResponse_v4(0, topics)
    return answer
