"""What a client may hear for each of Kafka's requests: transport errors, and codes in an answer."""

# aiokafka annotates only a part of its interface:
# pyright: reportPrivateUsage=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from collections import defaultdict
from collections.abc import Callable, Sequence
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


def refusal(request: Any, code: int) -> Any:
    """Return the answer to *request* that says *code* and nothing else."""
    match request.API_KEY:
        case 0:
            parts = _each(request._topics, lambda part: (part[0], code, -1, -1, -1))
            return ProduceResponse_v7(parts, 0)
        case 1:
            return FetchResponse_v4(
                0, _each(request._topics, lambda part: (part[0], code, -1, -1, None, b""))
            )
        case 2:
            return OffsetResponse_v1(_each(request._topics, lambda part: (part[0], code, -1, -1)))
        case 8:
            return OffsetCommitResponse_v2(_each(request._topics, lambda part: (part[0], code)))
        case 9:
            return OffsetFetchResponse_v1(
                _each(request._partitions, lambda part: (part, -1, "", code))
            )
        case 11:
            return JoinGroupResponse_v5(0, code, -1, "", "", "", [])
        case 14:
            return SyncGroupResponse_v3(0, code, b"")
        case 12:
            return HeartbeatResponse_v1(0, code)
        case 13:
            return LeaveGroupResponse_v1(0, code)
        case 22:
            return InitProducerIdResponse_v0(0, code, -1, -1)
        case _:
            raise errors.for_code(code)


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
