"""A reader whose topic gets more partitions, or is deleted and made again, while it is open (P5)."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from uuid import UUID

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaConnectionError, OffsetOutOfRangeError

from client import reader as reading
from client.errors import TopicReplacedError
from client.kafka import Record
from client.reader import Reader
from client.topics_now import TopicNow
from tests.consumed import consumed
from tests.unit.topics_there import ANOTHER, ID, TopicsThere, a_topic

TOPIC = "accounts.events.balance"
OLD, NEW = TopicPartition(TOPIC, 0), TopicPartition(TOPIC, 1)
PATIENCE_S = 10


@dataclass
class Consumer:
    """aiokafka's, as far as it is used, and Kafka behind it; a poll brings a record of each partition."""

    logs: list[list[bytes]] = field(default_factory=lambda: [[]])
    """What stands in each partition."""
    topic_id: UUID = ID
    away: bool = False
    silent: int = 0
    """How many questions for the ends it leaves without an answer."""
    beyond: bool = False
    """Whether the next poll is told that there is nothing at its offset."""
    next: dict[TopicPartition, int] = field(default_factory=dict[TopicPartition, int])
    paused: set[TopicPartition] = field(default_factory=set[TopicPartition])

    @property
    def _client(self) -> TopicsThere:
        there = a_topic(TOPIC, self.topic_id, partitions=len(self.logs))
        return TopicsThere([there], KafkaConnectionError("away") if self.away else None)

    async def start(self) -> None:
        pass

    async def stop(self) -> None:
        pass

    def assign(self, partitions: Collection[TopicPartition]) -> None:
        self.next = dict.fromkeys(partitions, -1)
        self.paused.clear()

    def seek(self, partition: TopicPartition, offset: int) -> None:
        self.next[partition] = offset

    async def position(self, partition: TopicPartition) -> int:
        return self.next[partition]

    async def beginning_offsets(
        self, partitions: Collection[TopicPartition]
    ) -> dict[TopicPartition, int]:
        return dict.fromkeys(partitions, 0)

    async def end_offsets(
        self, partitions: Collection[TopicPartition]
    ) -> dict[TopicPartition, int]:
        if self.silent:
            self.silent -= 1
            raise KafkaConnectionError("gone in between")
        return {tp: len(self.logs[tp.partition]) for tp in partitions}

    def pause(self, *partitions: TopicPartition) -> None:
        self.paused |= {*partitions}

    def resume(self, *partitions: TopicPartition) -> None:
        self.paused -= {*partitions}

    async def getmany(
        self, *, timeout_ms: int, max_records: int
    ) -> dict[TopicPartition, list[Record]]:
        del timeout_ms, max_records
        await asyncio.sleep(0)
        if self.beyond:
            raise OffsetOutOfRangeError({OLD: self.next[OLD]})
        return {tp: [self._take(tp)] for tp in [*self.next] if self._has_more(tp)}

    def _has_more(self, tp: TopicPartition) -> bool:
        return tp not in self.paused and self.next[tp] < len(self.logs[tp.partition])

    def _take(self, tp: TopicPartition) -> Record:
        offset = self.next[tp]
        self.next[tp] += 1
        value = self.logs[tp.partition][offset]
        return consumed(TOPIC, value, partition=tp.partition, offset=offset)


@pytest.fixture(autouse=True)
def look_always(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "LOOK_S", 0.0)


def a_reader(consumer: Consumer) -> Reader:
    """Return one that is open at the beginning of the one partition there is."""
    consumer.assign([OLD])
    consumer.seek(OLD, 0)
    return Reader(consumer, {OLD: 0}, {OLD: 0}, {TOPIC: TopicNow(str(ID), 1)})


async def read(reader: Reader, count: int) -> Sequence[bytes | None]:
    """Return what comes until there are *count* records."""
    values: list[bytes | None] = []
    async with asyncio.timeout(PATIENCE_S):
        while len(values) < count:
            values += [record.value for record in await reader.poll()]
    return values


class TestPartitionsThatAreAdded:
    async def test_come_after_all_that_stood_in_the_others(self) -> None:
        consumer = Consumer([[b"1", b"2", b"3", b"4", b"5"]])
        reader = a_reader(consumer)
        consumer.logs.append([b"later"])

        values = await read(reader, 6)

        assert values == [b"1", b"2", b"3", b"4", b"5", b"later"]

    async def test_are_read_from_their_beginning(self) -> None:
        consumer = Consumer()
        reader = a_reader(consumer)
        consumer.logs.append([b"a", b"b", b"c"])

        assert await read(reader, 3) == [b"a", b"b", b"c"]
        assert await reader.positions() == {OLD: 0, NEW: 3}
        assert (reader.beginnings, reader.ends) == ({OLD: 0, NEW: 0}, {OLD: 0, NEW: 0})

    async def test_are_known_to_who_asks_how_far_all_reaches(self) -> None:
        consumer = Consumer([[b"1"]])
        reader = a_reader(consumer)
        consumer.logs.append([b"a", b"b"])

        assert await reader.ends_now() == {OLD: 1, NEW: 2}

    async def test_are_noticed_once_kafka_answers_again(self) -> None:
        consumer = Consumer(away=True)
        reader = a_reader(consumer)
        consumer.logs = [[b"before"], [b"behind"]]

        before = await read(reader, 1)
        for _ in range(5):
            assert await reader.poll() == []
        consumer.away = False

        assert (before, await read(reader, 1)) == ([b"before"], [b"behind"])

    async def test_are_taken_in_at_the_next_look_where_kafka_went_during_one(self) -> None:
        consumer = Consumer(silent=2)
        reader = a_reader(consumer)
        consumer.logs.append([b"behind"])

        assert await read(reader, 1) == [b"behind"]
        assert consumer.silent == 0


class TestATopicThatIsMadeAgain:
    """Its records have the offsets of others: they would be skipped, or taken for repeats."""

    async def test_is_an_error_though_it_reaches_as_far(self) -> None:
        consumer = Consumer([[b"1"]])
        reader = a_reader(consumer)
        await read(reader, 1)
        consumer.topic_id = ANOTHER

        with pytest.raises(TopicReplacedError, match=TOPIC):
            await read(reader, 1)

    async def test_is_an_error_to_who_asks_how_far_it_reaches(self) -> None:
        consumer = Consumer()
        reader = a_reader(consumer)
        consumer.topic_id = ANOTHER

        with pytest.raises(TopicReplacedError, match=TOPIC):
            await reader.ends_now()

    async def test_is_named_where_nothing_is_at_the_offset(self) -> None:
        consumer = Consumer(topic_id=ANOTHER, beyond=True)
        reader = a_reader(consumer)

        with pytest.raises(TopicReplacedError, match=TOPIC):
            await reader.poll()

    async def test_is_told_from_one_whose_records_are_gone(self) -> None:
        consumer = Consumer(beyond=True)
        reader = a_reader(consumer)

        with pytest.raises(OffsetOutOfRangeError):
            await reader.poll()
