"""A cycle is published whole, each partition in order, by a producer that is replaced (P4, P5)."""

import asyncio
import random
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError, ProducerClosed
from aiokafka.partitioner import DefaultPartitioner
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from client.partitioning import hash_of
from client.record_format import RECORDS_FROM
from contracts.headers import UNDELIVERED
from tests.batches import records_of
from workers.kafka import publishing
from workers.kafka.clients import KafkaClients
from workers.kafka.publishing import Outgoing, Publisher, PublishError
from workers.kafka.record_batches import RecordBatch
from workers.kafka.replies import AddressedAnswer, Replies
from workers.monitoring.metrics import Metrics

METRICS = Metrics()
PARTITIONS = list(range(12))
GOOD, MISSING = "accounts.replies.good", "accounts.replies.missing"
java_like: Any = DefaultPartitioner()


class Kafka:
    """What the fakes below share: what was sent, and what fails."""

    def __init__(self) -> None:
        self.producers = 0
        self.stopped = 0
        self.sent: list[tuple[str, int, list[bytes]]] = []
        self.failures = 0
        """So many acknowledgements do not come."""
        self.away = False
        self.asked: list[str] = []
        self.held: dict[str, asyncio.Future[None]] = {}
        """Acknowledgements that come when told, by topic."""


class Client:
    """Is asked nothing: the producers below acknowledge by themselves, and every topic is known."""

    cluster = SimpleNamespace(partitions_for_topic=len)

    async def send(self, node_id: int, request: object) -> None:
        raise AssertionError(node_id, request)


class Producer:
    """Acknowledges each batch later, unless it is to fail."""

    def __init__(self, kafka: Kafka, **_: object) -> None:
        self._kafka = kafka
        self.client = Client()
        self._held: list[asyncio.Future[None]] = []

    async def start(self) -> None:
        if self._kafka.away:
            raise KafkaConnectionError("away")
        self._kafka.producers += 1

    async def stop(self) -> None:
        self._kafka.stopped += 1
        for acknowledged in self._held:
            if not acknowledged.done():
                acknowledged.set_exception(ProducerClosed())

    async def partitions_for(self, _: str) -> set[int]:
        return set(PARTITIONS)

    async def send_batch(self, batch: RecordBatch, topic: str, *, partition: int) -> object:
        values = [record.value or b"" for record in records_of(batch)]
        self._kafka.sent.append((topic, partition, values))
        if topic in self._kafka.held:
            self._held.append(self._kafka.held[topic])
            return self._kafka.held[topic]
        acknowledged = asyncio.get_running_loop().create_future()
        if self._kafka.failures:
            self._kafka.failures -= 1
            acknowledged.set_exception(KafkaConnectionError("not acknowledged"))
        else:
            acknowledged.set_result(None)
        return acknowledged


class Admin:
    """Knows one topic."""

    def __init__(self, kafka: Kafka, **_: object) -> None:
        self._kafka = kafka

    async def start(self) -> None:
        if self._kafka.away:
            raise KafkaConnectionError("away")

    async def close(self) -> None:
        pass

    async def describe_topics(self, names: list[str]) -> list[dict[str, int]]:
        self._kafka.asked += names
        return [{"error_code": 3 if name == MISSING else 0} for name in names]


@pytest.fixture
def kafka(monkeypatch: pytest.MonkeyPatch) -> Kafka:
    monkeypatch.setattr(publishing, "BATCH_BYTES_MAX", RECORDS_FROM + 2 * len(A_RECORD))
    return Kafka()


@pytest.fixture
def clients(kafka: Kafka) -> KafkaClients:
    made: Any = {"producer": partial(Producer, kafka), "admin": partial(Admin, kafka)}
    return KafkaClients(**made)


@pytest.fixture
def publisher(clients: KafkaClients) -> Publisher:
    return Publisher({}, deadline_ms=1000, metrics=METRICS, clients=clients)


def a_record(value: bytes = b"v", key: bytes | None = b"alice", topic: str = "t") -> Outgoing:
    return Outgoing(topic, key, value, [])


A_RECORD = b"\x18\0\0\0\x0aalice\x02v\0"
"""What `a_record` is in a batch: length, attributes, time, place, key, value, no headers."""


def java_partition(key: bytes) -> int:
    return int(java_like(key, PARTITIONS, PARTITIONS))


class TestPublisher:
    async def test_chooses_the_partition_that_java_clients_choose(
        self, kafka: Kafka, publisher: Publisher
    ) -> None:
        keys = [random.Random(n).randbytes(n % 33) for n in range(1000)]

        await publisher.publish([a_record(key, key) for key in keys])

        for _, partition, values in kafka.sent:
            assert {java_partition(value) for value in values} <= {partition}
        assert sum(len(values) for _, _, values in kafka.sent) == len(keys)

    async def test_keeps_the_order_of_one_partition_over_batches(
        self, kafka: Kafka, publisher: Publisher
    ) -> None:
        await publisher.publish([a_record(b"%d" % number) for number in range(7)])

        assert [values for _, _, values in kafka.sent] == [
            [b"0", b"1"],
            [b"2", b"3"],
            [b"4", b"5"],
            [b"6"],
        ]

    @pytest.mark.parametrize("failing", [1, 2, 4])
    async def test_fails_where_one_acknowledgement_does_and_starts_over_with_another_producer(
        self, kafka: Kafka, publisher: Publisher, failing: int
    ) -> None:
        kafka.failures = failing
        records = [a_record(b"%d" % number) for number in range(7)]

        with pytest.raises(PublishError, match="KafkaConnectionError"):
            await publisher.publish(records)
        kafka.sent.clear()
        await publisher.publish(records)
        await publisher.stop()

        assert [value for _, _, values in kafka.sent for value in values] == [
            record.value for record in records
        ]
        assert (kafka.producers, kafka.stopped) == (2, 2)

    async def test_says_so_at_once_where_others_are_not_acknowledged_yet(
        self, kafka: Kafka, publisher: Publisher
    ) -> None:
        kafka.held = {"slow": asyncio.get_running_loop().create_future()}
        kafka.failures = 1

        with pytest.raises(PublishError, match="KafkaConnectionError"):
            await publisher.publish([a_record(topic="slow"), a_record()])

        assert kafka.held["slow"].cancelled(), "nobody waits for it any more"
        await publisher.stop()

    async def test_keeps_its_producer_while_all_goes_well(
        self, kafka: Kafka, publisher: Publisher
    ) -> None:
        for _ in range(3):
            await publisher.publish([a_record()])

        assert kafka.producers == 1

    async def test_says_so_where_kafka_is_away(self, kafka: Kafka, publisher: Publisher) -> None:
        kafka.away = True

        with pytest.raises(PublishError, match="away"):
            await publisher.publish([a_record()])

    async def test_goes_on_with_what_is_on_its_way_beside_one_that_fails(
        self, kafka: Kafka, publisher: Publisher
    ) -> None:
        """P11: reply topics of many callers share a producer."""
        loop = asyncio.get_running_loop()
        kafka.held = {topic: loop.create_future() for topic in ("slow", "broken")}
        slow, broken = (
            asyncio.create_task(publisher.publish([a_record(topic=topic)])) for topic in kafka.held
        )
        for _ in range(20):
            await asyncio.sleep(0)

        kafka.held["broken"].set_exception(KafkaConnectionError("told to fail"))
        with pytest.raises(PublishError, match="told to fail"):
            await broken
        await publisher.publish([a_record()])
        kafka.held["slow"].set_result(None)
        await slow
        await publisher.stop()

        assert (kafka.producers, kafka.stopped) == (2, 2)

    async def test_opens_nothing_for_nothing(self, kafka: Kafka, publisher: Publisher) -> None:
        await publisher.publish([])

        assert kafka.producers == 0


@given(st.binary(max_size=64))
def test_every_key_hashes_as_in_kafka(key: bytes) -> None:
    assert hash_of(key) % len(PARTITIONS) == java_partition(key)


class TestReplies:
    @pytest.fixture
    def replies(self, publisher: Publisher, clients: KafkaClients) -> Replies:
        allowed = r"accounts\.replies\..+"
        return Replies({}, publisher, allowed=allowed, timeout_ms=500, retry_s=30, clients=clients)

    async def test_go_where_they_are_wanted(self, kafka: Kafka, replies: Replies) -> None:
        answer = a_record(topic="accounts.results")
        rest = await replies.deliver([AddressedAnswer(to=GOOD, answer=answer)])

        assert list(rest) == []
        assert [topic for topic, _, _ in kafka.sent] == [GOOD]

    @pytest.mark.parametrize(
        ("to", "problem"),
        [
            (MISSING, b"missing"),
            ("accounts.commands.deposit", b"not_allowed"),
            ("x." + GOOD, b"not_allowed"),
            ("", b"not_allowed"),
        ],
    )
    async def test_go_to_the_results_topic_marked_where_they_cannot(
        self, kafka: Kafka, replies: Replies, to: str, problem: bytes
    ) -> None:
        answer = a_record(topic="accounts.results")

        rest = await replies.deliver(
            [AddressedAnswer(to=to, answer=answer), AddressedAnswer(to=GOOD, answer=answer)]
        )

        assert list(rest) == [replace(answer, headers=[(UNDELIVERED, problem)])]
        assert [topic for topic, _, _ in kafka.sent] == [GOOD]

    async def test_ask_once_whether_a_topic_exists(self, kafka: Kafka, replies: Replies) -> None:
        for _ in range(3):
            await replies.deliver(
                [AddressedAnswer(to=to, answer=a_record()) for to in (GOOD, MISSING)]
            )

        assert kafka.asked == [GOOD, MISSING]

    async def test_leave_a_topic_alone_that_failed(self, kafka: Kafka, replies: Replies) -> None:
        kafka.failures = 1
        reply = AddressedAnswer(to=GOOD, answer=a_record())

        marked = [await replies.deliver([reply]) for _ in range(2)]

        assert [rest[0].headers for rest in marked] == [[(UNDELIVERED, b"unavailable")]] * 2
        assert len(kafka.sent) == 1

    async def test_fall_back_where_kafka_does_not_say(self, kafka: Kafka, replies: Replies) -> None:
        kafka.away = True

        [record] = await replies.deliver([AddressedAnswer(to=GOOD, answer=a_record())])

        assert record.headers == [(UNDELIVERED, b"unavailable")]
