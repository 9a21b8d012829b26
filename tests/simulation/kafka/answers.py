"""What the brokers answer: one moment for each request."""

# aiokafka annotates only a part of its interface:
# pyright: reportPrivateUsage=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from aiokafka.errors import KafkaError, NotLeaderForPartitionError
from aiokafka.protocol.commit import OffsetCommitResponse_v2, OffsetFetchResponse_v1
from aiokafka.protocol.fetch import FetchResponse_v4
from aiokafka.protocol.group import HeartbeatResponse_v1, LeaveGroupResponse_v1
from aiokafka.protocol.metadata import MetadataResponse_v5
from aiokafka.protocol.offset import OffsetResponse_v1
from aiokafka.protocol.produce import ProduceResponse_v7
from aiokafka.protocol.transaction import InitProducerIdResponse_v0

from client.kafka import UNKNOWN_TOPIC
from tests.simulation.kafka import calls
from tests.simulation.kafka.cluster import OffsetCommit, SimulatedKafka, Topic
from tests.simulation.kafka.log import PartitionLog

_EARLIEST = -2
_LATEST = -1


@dataclass(slots=True)
class TopicsAnswer:
    """What newer brokers say of topics, with their ids."""

    topics: Sequence[Any]


def answer_of(kafka: SimulatedKafka, node: int, request: Any) -> Any:
    """Return what broker *node* answers, or a future of it.

    Raises:
        KafkaError: It refuses.
    """
    return _ANSWERS[request.API_KEY](kafka, node, request)


def _produced(kafka: SimulatedKafka, node: int, request: Any) -> ProduceResponse_v7:
    parts: list[tuple[str, Any]] = []
    for name, batches in request._topics:
        for number, batch in batches:
            try:
                log = _led(kafka, node, name, number)
                base = kafka.keep(name, number, bytes(batch))
            except KafkaError as error:
                parts.append((name, (number, calls.code_of(error), -1, -1, -1)))
            else:
                stamp_ms = log.batches[-1].time_ms if log.append_time else -1
                parts.append((name, (number, 0, base, stamp_ms, log.start)))
    return ProduceResponse_v7(calls.by_topic(parts), 0)


def _led(kafka: SimulatedKafka, node: int, name: str, number: int) -> PartitionLog:
    log = kafka.log(name, number)
    if log.leader != node:
        raise NotLeaderForPartitionError
    return log


def _nothing_known(_name: str, _number: int) -> tuple[int, int] | None:
    return None


def _fetched(kafka: SimulatedKafka, node: int, request: Any) -> FetchResponse_v4:
    committed = request._isolation_level == 1
    left = request._max_bytes
    ends_known = getattr(request, "ends_known", _nothing_known)
    parts: list[tuple[str, Any]] = []
    for name, places in request._topics:
        for number, position, bytes_max in places:
            try:
                log = _led(kafka, node, name, number)
                if left <= 0:
                    continue
                if position == log.end and ends_known(name, number) == (log.end, log.stable):
                    continue  # a broker says it all the same, which changes nothing
                read = log.read(position, committed=committed, bytes_max=min(bytes_max, left))
            except KafkaError as error:
                parts.append((name, (number, calls.code_of(error), -1, -1, None, b"")))
                continue
            left -= len(read.data)
            parts.append((name, (number, 0, read.end, read.stable, read.aborted, read.data)))
    return FetchResponse_v4(0, calls.by_topic(parts))


def _offsets(kafka: SimulatedKafka, node: int, request: Any) -> OffsetResponse_v1:
    parts: list[tuple[str, Any]] = []
    for name, places in request._topics:
        for number, wanted in places:
            try:
                log = _led(kafka, node, name, number)
            except KafkaError as error:
                parts.append((name, (number, calls.code_of(error), -1, -1)))
                continue
            end = log.stable if request._isolation_level else log.end
            offset = {_EARLIEST: log.start, _LATEST: end}.get(wanted)
            if offset is None:  # the first record as late as that
                late = (batch.base for batch in log.batches if batch.time_ms >= wanted)
                offset = next(late, -1)
            parts.append((name, (number, 0, -1, offset)))
    return OffsetResponse_v1(calls.by_topic(parts))


def _metadata(kafka: SimulatedKafka, _node: int, request: Any) -> Any:
    if hasattr(request, "_names"):
        return TopicsAnswer([_with_id(name, kafka.topics.get(name)) for name in request._names])
    names = list(kafka.topics) if request._topics is None else request._topics
    brokers = [(node, f"broker-{node}", 9092, None) for node in range(kafka.brokers)]
    topics = [_described(name, kafka.topics.get(name)) for name in names]
    return MetadataResponse_v5(0, brokers, "simulated", 0, topics)


def _described(name: str, topic: Topic | None) -> tuple[Any, ...]:
    if topic is None:
        return (UNKNOWN_TOPIC, name, False, [])
    parts = [
        (0, number, log.leader, [log.leader], [log.leader], [])
        for number, log in enumerate(topic.logs)
    ]
    return (0, name, False, parts)


def _with_id(name: str, topic: Topic | None) -> tuple[Any, ...]:
    if topic is None:
        return (UNKNOWN_TOPIC, name, None, False, [])
    return (0, name, topic.topic_id, False, topic.logs)


def _committed(kafka: SimulatedKafka, _node: int, request: Any) -> OffsetCommitResponse_v2:
    group = kafka.group(request._consumer_group)
    group.may_commit(request._consumer_id, request._consumer_group_generation_id)
    parts: list[tuple[str, Any]] = []
    for name, offsets in request._topics:
        topic = kafka.topics.get(name)
        for number, offset, said in offsets:
            if topic is None or number >= len(topic.logs):
                parts.append((name, (number, UNKNOWN_TOPIC)))
                continue
            group.offsets[name, number] = offset, said
            kafka.commits.append(OffsetCommit(kafka.tick(), group.name, name, number, offset, said))
            parts.append((name, (number, 0)))
    return OffsetCommitResponse_v2(calls.by_topic(parts))


def _committed_offsets(kafka: SimulatedKafka, _node: int, request: Any) -> OffsetFetchResponse_v1:
    offsets = kafka.group(request._consumer_group).offsets
    nothing = (-1, "")
    return OffsetFetchResponse_v1(
        [
            (name, [(number, *offsets.get((name, number), nothing), 0) for number in numbers])
            for name, numbers in request._partitions
        ]
    )


def _heard(kafka: SimulatedKafka, _node: int, request: Any) -> HeartbeatResponse_v1:
    kafka.group(request._group).heartbeat(request._member_id, request._generation_id)
    return HeartbeatResponse_v1(0, 0)


def _left(kafka: SimulatedKafka, _node: int, request: Any) -> LeaveGroupResponse_v1:
    kafka.group(request._group).leave(request._member_id)
    return LeaveGroupResponse_v1(0, 0)


def _with_producer_id(
    kafka: SimulatedKafka, _node: int, _request: Any
) -> InitProducerIdResponse_v0:
    return InitProducerIdResponse_v0(0, 0, kafka.next_producer_id(), 0)


_ANSWERS: Final[Mapping[int, Callable[[SimulatedKafka, int, Any], Any]]] = {
    calls.PRODUCE: _produced,
    calls.FETCH: _fetched,
    calls.LIST_OFFSETS: _offsets,
    calls.METADATA: _metadata,
    calls.OFFSET_COMMIT: _committed,
    calls.OFFSET_FETCH: _committed_offsets,
    calls.JOIN_GROUP: lambda kafka, _, request: kafka.group(request._group).join(request),
    calls.HEARTBEAT: _heard,
    calls.LEAVE_GROUP: _left,
    calls.SYNC_GROUP: lambda kafka, _, request: kafka.group(request._group).sync(request),
    calls.INIT_PRODUCER_ID: _with_producer_id,
}
"""By the number of the request."""
