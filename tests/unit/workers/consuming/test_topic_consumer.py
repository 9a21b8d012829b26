"""Where reading goes on in a topic that may have been deleted and made again (P4)."""

# What Kafka says reaches the consumer by way of parts that have no name outside of it:
# pyright: reportIncompatibleMethodOverride=false

import asyncio
from collections.abc import Collection, Mapping
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaTimeoutError, UnknownTopicOrPartitionError

from tests.unit.topics_there import ANOTHER, ID, TopicsThere, a_topic
from workers.consuming import topic_consumer
from workers.consuming.hooks import Hooks
from workers.consuming.retention import OvertakenError
from workers.consuming.topic_consumer import TopicConsumer
from workers.monitoring.progress import Progress

TOPIC = "accounts.commands.deposit"
TP = TopicPartition(TOPIC, 0)
START, END = 2, 9
PATIENCE_S = 5


class Kafka(TopicsThere):
    """One topic, and what the group committed there; it counts what it is asked to do again."""

    def __init__(self) -> None:
        super().__init__([a_topic(TOPIC)])
        self.committed: Mapping[TopicPartition, Any] = {}
        self.looked = self.rejoined = 0

    async def fetch_committed_offsets(
        self, _places: Collection[TopicPartition]
    ) -> Mapping[TopicPartition, Any]:
        return self.committed

    def force_metadata_update(self) -> None:
        self.looked += 1

    def request_rejoin(self) -> None:
        self.rejoined += 1


class Consumer(TopicConsumer):
    """A member of a group with one partition, never connected."""

    def __init__(self, kafka: Kafka) -> None:
        super().__init__(hooks=Hooks(_nothing, _nothing, Progress("ledger")))
        self.hooks.assigned, self.hooks.reset_needed = True, False
        self._client = self._coordinator = kafka

    def __del__(self, _warnings: object = None) -> None:
        """Leave nothing to close."""

    async def beginning_offsets(
        self, partitions: Collection[TopicPartition]
    ) -> dict[TopicPartition, int]:
        return dict.fromkeys(partitions, START)

    async def end_offsets(
        self, partitions: Collection[TopicPartition]
    ) -> dict[TopicPartition, int]:
        return dict.fromkeys(partitions, END)


async def _nothing() -> None:
    pass


def committed(offset: int, topic_id: object = "") -> Mapping[TopicPartition, Any]:
    return {TP: SimpleNamespace(offset=offset, metadata=str(topic_id))}


class TestReadingStarts:
    @pytest.mark.parametrize("topic_id", [ID, ""], ids=["with its id", "without"])
    async def test_at_what_was_committed(self, topic_id: object) -> None:
        kafka = Kafka()
        kafka.committed = committed(5, topic_id)

        assert await Consumer(kafka).find_starts([TP]) == {TP: 5}

    async def test_at_the_beginning_where_that_was_of_the_topic_before(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        kafka = Kafka()
        kafka.committed = committed(5, ANOTHER)

        consumer = Consumer(kafka)

        assert await consumer.find_starts([TP]) == {TP: START}
        assert consumer.topic_ids == {TOPIC: str(ID)}
        assert f"{TOPIC} was deleted and made again" in caplog.text

    async def test_nowhere_while_the_topic_is_gone(self) -> None:
        kafka = Kafka()
        kafka.topics = []

        with pytest.raises(UnknownTopicOrPartitionError, match=TOPIC):
            await Consumer(kafka).find_starts([TP])

        assert kafka.looked == 1, "else it is tried again and again until the next look"

    async def test_soon_or_not_at_all(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(topic_consumer, "START_TIMEOUT_S", 0.01)
        kafka = Kafka()
        monkeypatch.setattr(kafka, "fetch_committed_offsets", _never)

        with pytest.raises(KafkaTimeoutError):
            await asyncio.wait_for(Consumer(kafka).find_starts([TP]), PATIENCE_S)


async def _never(_places: object) -> NoReturn:
    await asyncio.Event().wait()
    raise AssertionError


class TestACursorOutsideOfItsLog:
    @pytest.mark.parametrize("cursor", [START - 1, END + 1], ids=["before", "behind"])
    async def test_means_that_records_are_lost(self, cursor: int) -> None:
        consumer = Consumer(kafka := Kafka())
        await consumer.find_starts([TP])

        assert isinstance(await consumer.lost({TP: cursor}), OvertakenError)
        assert kafka.rejoined == 0

    async def test_has_a_topic_that_was_made_again_read_anew(self) -> None:
        consumer = Consumer(kafka := Kafka())
        await consumer.find_starts([TP])
        kafka.topics = [a_topic(TOPIC, ANOTHER)]

        assert await consumer.lost({TP: END + 1}) is None
        assert kafka.rejoined == 1


class TestStartingAnew:
    @pytest.mark.parametrize(("assigned", "reset_needed"), [(False, True), (True, True)])
    async def test_is_not_asked_for_where_it_is_about_to_happen(
        self, *, assigned: bool, reset_needed: bool
    ) -> None:
        consumer = Consumer(kafka := Kafka())
        consumer.hooks.assigned, consumer.hooks.reset_needed = assigned, reset_needed

        consumer.start_anew()

        assert kafka.rejoined == 0
