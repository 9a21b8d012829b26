"""The brokers: topics, what was published to them, and the groups that read them."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import NamedTuple
from uuid import UUID

from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.consumer.fetcher import READ_COMMITTED, PartitionRecords
from aiokafka.errors import UnknownTopicOrPartitionError
from aiokafka.record.memory_records import MemoryRecords

from client.partitioning import hash_of
from tests.simulation.kafka.batches import Sent, packed
from tests.simulation.kafka.groups import Group
from tests.simulation.kafka.library import draw_from, follow_the_loop
from tests.simulation.kafka.log import KeptBatch, PartitionLog
from tests.simulation.network import Network

BROKERS = 2
"""Two, so that one topic's records can come in a fetch before another's."""

SENDERS_FROM = 1_000_000
"""Producer ids of transactions that the world sends, apart from those of producers."""

Record = ConsumerRecord[bytes | None, bytes | None]


@dataclass(slots=True, kw_only=True)
class Topic:
    """One topic; one of the same name made later is another one."""

    name: str
    topic_id: UUID
    config: Mapping[str, str]
    logs: list[PartitionLog]


class OffsetCommit(NamedTuple):
    """What a group was heard to commit."""

    number: int
    """As those of batches: what was appended before it has a lower one."""
    group: str
    topic: str
    partition: int
    offset: int
    said: str
    """Beside it: which topic of that name it is of."""


@dataclass(slots=True)
class SimulatedKafka:
    """A cluster. Whatever is called here happens at once, as if all of Kafka had been asked.

    Processes ask through their clients, see `tests.simulation.kafka.client`.
    """

    network: Network
    clock: Callable[[], float]
    """The brokers' time in seconds since 1970."""
    random: Random
    """What the clients leave to chance, such as which broker is asked first."""
    brokers: int = BROKERS
    tick: Callable[[], int] = field(default_factory=lambda: count(1).__next__)
    """Numbers what is written, in its order; other servers may draw from the same."""
    commits: list[OffsetCommit] = field(default_factory=list[OffsetCommit])
    """All there were, in their order."""
    topics: dict[str, Topic] = field(default_factory=dict[str, Topic])
    groups: dict[str, Group] = field(default_factory=dict[str, Group])
    _topics_made: int = 0
    _producers: int = 0
    _senders: int = SENDERS_FROM

    def __post_init__(self) -> None:
        """Have aiokafka leave nothing to chance but what *random* says, nor to this machine's clock."""
        follow_the_loop()
        draw_from(self.random)

    # -- topics

    def create_topic(
        self, name: str, partitions: int, config: Mapping[str, str] | None = None
    ) -> Topic:
        """Make a topic, under an id of its own."""
        assert name not in self.topics, f"there is a topic {name}"
        self._topics_made += 1
        settings = config or {}
        topic = Topic(name=name, topic_id=UUID(int=self._topics_made), config=settings, logs=[])
        self.topics[name] = topic
        self.add_partitions(name, partitions)
        return topic

    def add_partitions(self, name: str, total: int) -> None:
        """Raise the number of a topic's partitions to *total*."""
        topic = self.topics[name]
        append_time = topic.config.get("message.timestamp.type") == "LogAppendTime"
        for number in range(len(topic.logs), total):
            leader = (topic.topic_id.int + number) % self.brokers
            topic.logs.append(PartitionLog(leader=leader, append_time=append_time))

    def delete_topic(self, name: str, *, offsets_stay: bool = False) -> None:
        """Delete a topic, and what groups committed of it unless these *offsets_stay*.

        Kafka deletes them, but a moment later: a topic that was made again meanwhile may have them.
        """
        for log in self.topics.pop(name).logs:
            log.wake()
        for group in self.groups.values() if not offsets_stay else ():
            group.offsets = {tp: each for tp, each in group.offsets.items() if tp[0] != name}

    def log(self, name: str, partition: int) -> PartitionLog:
        """Return one partition.

        Raises:
            UnknownTopicOrPartitionError: There is none.
        """
        topic = self.topics.get(name)
        if topic is None or not 0 <= partition < len(topic.logs):
            raise UnknownTopicOrPartitionError
        return topic.logs[partition]

    # -- what is written

    def next_producer_id(self) -> int:
        """Return an id that no producer had."""
        self._producers += 1
        return self._producers

    def keep(self, name: str, partition: int, batch: bytes) -> int:
        """Append what a producer sent; return its first offset.

        Raises:
            KafkaError: It is not kept.
        """
        log = self.log(name, partition)
        return log.append(batch, now_ms=self.now_ms(), number=self.tick())

    def append(
        self,
        name: str,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes | None]] = (),
        *,
        partition: int | None = None,
    ) -> tuple[int, int]:
        """Append one record, acknowledged now; return its partition and its offset."""
        number = self.partition_of(name, key) if partition is None else partition
        batch = packed([Sent(key, value, headers)], time_ms=self.now_ms())
        return number, self.keep(name, number, batch)

    def transaction(self) -> "Transaction":
        """Begin a transaction of some sender's."""
        self._senders += 1
        return Transaction(self, self._senders)

    def partition_of(self, name: str, key: bytes | None) -> int:
        """Return where records of *key* go."""
        return 0 if key is None else hash_of(key) % len(self.topics[name].logs)

    def end_transaction(
        self, places: Iterable[tuple[str, int]], producer_id: int, *, committed: bool
    ) -> None:
        """Write what ends a transaction to each partition that it wrote to."""
        for name, partition in places:
            if name not in self.topics:
                continue
            self.log(name, partition).end_transaction(
                producer_id, committed=committed, now_ms=self.now_ms(), number=self.tick()
            )

    # -- what can be read

    def records(self, *names: str) -> list[Record]:
        """Return what stands on the topics of these *names*, or on all, in the order it was written.

        What belongs to a transaction that is open or was given up is left out.
        """
        return [record for _, record in self.numbered(*names)]

    def numbered(self, *names: str) -> list[tuple[int, Record]]:
        """Return as `records`, each with the number of its batch."""
        found: list[tuple[int, int, Record]] = []
        for name in names or list(self.topics):
            for number, log in enumerate(self.topics[name].logs):
                numbers = {batch.base: batch.number for batch in log.batches}
                found += _numbered(TopicPartition(name, number), log, numbers)
        found.sort(key=lambda each: each[:2])
        return [(number, record) for number, _, record in found]

    # -- groups

    def group(self, name: str) -> Group:
        """Return a group, which begins to exist when it is asked for."""
        group = self.groups.get(name)
        if group is None:
            group = self.groups[name] = Group(name)
        return group

    def now_ms(self) -> int:
        """Return the brokers' time."""
        return round(self.clock() * 1000)


@dataclass(slots=True)
class Transaction:
    """Some sender's records, which are read together or not at all."""

    kafka: SimulatedKafka
    producer_id: int
    _places: dict[tuple[str, int], None] = field(default_factory=dict[tuple[str, int], None])

    def append(
        self,
        name: str,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes | None]] = (),
    ) -> tuple[int, int]:
        """Append one record, acknowledged now; return its partition and its offset."""
        number = self.kafka.partition_of(name, key)
        time_ms = self.kafka.now_ms()
        batch = packed([Sent(key, value, headers)], time_ms=time_ms, producer_id=self.producer_id)
        self._places[name, number] = None
        return number, self.kafka.keep(name, number, batch)

    def commit(self) -> None:
        """Let everybody read it."""
        self._end(committed=True)

    def abort(self) -> None:
        """Let nobody who reads what is committed read it, ever."""
        self._end(committed=False)

    def _end(self, *, committed: bool) -> None:
        places, self._places = self._places, {}
        self.kafka.end_transaction(places, self.producer_id, committed=committed)


def _numbered(
    tp: TopicPartition, log: PartitionLog, numbers: Mapping[int, int]
) -> Iterator[tuple[int, int, Record]]:
    """Yield the records of a partition with the numbers of their batches, and their offsets."""
    if not log.batches:
        return
    first: KeptBatch = log.batches[0]
    read = log.read(max(log.start, first.base), committed=True, bytes_max=1 << 60)
    number = 0
    for record in unpacked(tp, read.data, read.aborted, log.start):
        number = numbers.get(record.offset, number)
        yield number, record.offset, record


def unpacked(
    tp: TopicPartition, data: bytes, aborted: Sequence[tuple[int, int]], position: int
) -> Iterator[Record]:
    """Yield the records of *data* as aiokafka's consumer hands them out, from *position* on."""
    records = PartitionRecords(
        tp,
        records=MemoryRecords(data),
        aborted_transactions=list(aborted),
        fetch_offset=position,
        key_deserializer=None,
        value_deserializer=None,
        check_crcs=False,
        isolation_level=READ_COMMITTED,
    )
    yield from records
