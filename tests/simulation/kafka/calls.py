"""What a client may hear for each of Kafka's requests: transport errors, and codes in an answer."""

# aiokafka annotates only a part of its interface:
# pyright: reportPrivateUsage=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from aiokafka import errors
from aiokafka.protocol.commit import OffsetCommitResponse_v2, OffsetFetchResponse_v1
from aiokafka.protocol.fetch import FetchResponse_v4
from aiokafka.protocol.group import (
    HeartbeatResponse_v1,
    JoinGroupResponse_v5,
    LeaveGroupResponse_v1,
    SyncGroupResponse_v3,
)
from aiokafka.protocol.offset import OffsetResponse_v1
from aiokafka.protocol.produce import ProduceResponse_v7
from aiokafka.protocol.transaction import InitProducerIdResponse_v0

from tests.simulation.network import Call

PRODUCE: Final = 0
FETCH: Final = 1
LIST_OFFSETS: Final = 2
METADATA: Final = 3
OFFSET_COMMIT: Final = 8
OFFSET_FETCH: Final = 9
FIND_COORDINATOR: Final = 10
JOIN_GROUP: Final = 11
HEARTBEAT: Final = 12
LEAVE_GROUP: Final = 13
SYNC_GROUP: Final = 14
INIT_PRODUCER_ID: Final = 22

TRANSPORT: Final = (
    errors.RequestTimedOutError,
    errors.KafkaConnectionError,
    errors.NodeNotReadyError,
)
"""What `send` of aiokafka's client raises; everything else is a code in an answer."""

_COORDINATOR: Final = (
    errors.NotCoordinatorForGroupError,
    errors.GroupCoordinatorNotAvailableError,
)
_MEMBER: Final = (
    errors.RebalanceInProgressError,
    errors.IllegalGenerationError,
    errors.UnknownMemberIdError,
)
_UNEXPECTED: Final = errors.UnknownError
"""A code for which nobody is prepared."""


def _call(operation: str, *codes: Callable[[], Exception]) -> Call:
    return Call(server="kafka", operation=operation, errors=(*TRANSPORT, *codes))


CALLS: Final = {
    PRODUCE: _call(
        "produce",
        errors.NotLeaderForPartitionError,
        errors.NotEnoughReplicasAfterAppendError,
        errors.NotEnoughReplicasError,
        errors.TopicAuthorizationFailedError,
        errors.OutOfOrderSequenceNumber,
        _UNEXPECTED,
    ),
    FETCH: _call(
        "fetch",
        errors.CorruptRecordException,  # stands for an answer that is damaged on its way
        errors.NotLeaderForPartitionError,
        errors.OffsetOutOfRangeError,
        errors.UnknownTopicOrPartitionError,
        errors.TopicAuthorizationFailedError,
        _UNEXPECTED,
    ),
    LIST_OFFSETS: _call(
        "list offsets",
        errors.NotLeaderForPartitionError,
        errors.UnknownTopicOrPartitionError,
        _UNEXPECTED,
    ),
    METADATA: _call("metadata"),
    OFFSET_COMMIT: _call(
        "commit offsets", *_COORDINATOR, errors.GroupLoadInProgressError, *_MEMBER, _UNEXPECTED
    ),
    OFFSET_FETCH: _call(
        "fetch offsets", *_COORDINATOR, errors.GroupLoadInProgressError, _UNEXPECTED
    ),
    FIND_COORDINATOR: _call("find coordinator", errors.GroupCoordinatorNotAvailableError),
    JOIN_GROUP: _call(
        "join group",
        *_COORDINATOR,
        errors.GroupLoadInProgressError,
        errors.UnknownMemberIdError,
        _UNEXPECTED,
    ),
    HEARTBEAT: _call("heartbeat", *_COORDINATOR, *_MEMBER, _UNEXPECTED),
    LEAVE_GROUP: _call("leave group", *_COORDINATOR, errors.UnknownMemberIdError),
    SYNC_GROUP: _call("sync group", *_COORDINATOR, *_MEMBER, _UNEXPECTED),
    INIT_PRODUCER_ID: _call("init producer id", errors.CoordinatorLoadInProgressError),
}
"""By the number of the request."""


def code_of(error: errors.KafkaError) -> int:
    """Return the number by which Kafka says *error*."""
    return int(getattr(error, "errno", _UNEXPECTED.errno))


def refusal(request: Any, code: int) -> Any:
    """Return the answer to *request* that says *code* and nothing else.

    Raises:
        KafkaError: Its answers have no room for one.
    """
    refuse = _REFUSALS.get(request.API_KEY)
    if refuse is None:
        raise errors.for_code(code)
    return refuse(request, code)


def _each(
    topics: Sequence[tuple[str, Sequence[Any]]], answer: Callable[[Any], Any]
) -> list[tuple[str, list[Any]]]:
    return [(name, [answer(part) for part in parts]) for name, parts in topics]


def by_topic(parts: Sequence[tuple[str, Any]]) -> list[tuple[str, list[Any]]]:
    """Return *parts* as answers have them, under the names of their topics."""
    found: defaultdict[str, list[Any]] = defaultdict(list)
    for name, part in parts:
        found[name].append(part)
    return list(found.items())


_REFUSALS: Final[Mapping[int, Callable[[Any, int], Any]]] = {
    PRODUCE: lambda request, code: ProduceResponse_v7(
        _each(request._topics, lambda part: (part[0], code, -1, -1, -1)), 0
    ),
    FETCH: lambda request, code: FetchResponse_v4(
        0, _each(request._topics, lambda part: (part[0], code, -1, -1, None, b""))
    ),
    LIST_OFFSETS: lambda request, code: OffsetResponse_v1(
        _each(request._topics, lambda part: (part[0], code, -1, -1))
    ),
    OFFSET_COMMIT: lambda request, code: OffsetCommitResponse_v2(
        _each(request._topics, lambda part: (part[0], code))
    ),
    OFFSET_FETCH: lambda request, code: OffsetFetchResponse_v1(
        _each(request._partitions, lambda part: (part, -1, "", code))
    ),
    JOIN_GROUP: lambda _, code: JoinGroupResponse_v5(0, code, -1, "", "", "", []),
    SYNC_GROUP: lambda _, code: SyncGroupResponse_v3(0, code, b""),
    HEARTBEAT: lambda _, code: HeartbeatResponse_v1(0, code),
    LEAVE_GROUP: lambda _, code: LeaveGroupResponse_v1(0, code),
    INIT_PRODUCER_ID: lambda _, code: InitProducerIdResponse_v0(0, code, -1, -1),
}
