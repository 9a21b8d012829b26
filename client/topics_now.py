"""Asks Kafka which topics stand behind their names: one deleted and made again is another one."""

# aiokafka annotates only a part of its interface:
# pyright: reportIncompatibleMethodOverride=false, reportAssignmentType=false

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any, cast
from uuid import UUID

from aiokafka.errors import IncompatibleBrokerVersion, NodeNotReadyError, for_code
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import (
    AbstractType,
    Boolean,
    CompactArray,
    CompactString,
    Int16,
    Int32,
    Schema,
    TaggedFields,
)

from client.kafka import NOT_AUTHORIZED, UNKNOWN_TOPIC


class _Uuid(AbstractType[UUID]):
    """Kafka's type UUID, which aiokafka does not know."""

    @classmethod
    def encode(cls, value: UUID) -> bytes:
        return value.bytes

    @classmethod
    def decode(cls, data: BytesIO) -> UUID:
        return UUID(bytes=data.read(16))


_BROKER = (
    ("node_id", Int32),
    ("host", CompactString()),
    ("port", Int32),
    ("rack", CompactString()),
    ("tags", TaggedFields),
)

_PARTITION = (
    ("error_code", Int16),
    ("partition", Int32),
    ("leader", Int32),
    ("leader_epoch", Int32),
    ("replicas", CompactArray(Int32)),
    ("isr", CompactArray(Int32)),
    ("offline_replicas", CompactArray(Int32)),
    ("tags", TaggedFields),
)

_TOPIC = (
    ("error_code", Int16),
    ("name", CompactString()),
    ("topic_id", _Uuid),
    ("is_internal", Boolean),
    ("partitions", CompactArray(*_PARTITION)),
    ("authorized_operations", Int32),
    ("tags", TaggedFields),
)


class _MetadataResponse(Response):
    """Kafka's MetadataResponse, version 12; aiokafka's own end at 5, before topics had ids."""

    API_KEY = 3
    API_VERSION = 12
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("brokers", CompactArray(*_BROKER)),
        ("cluster_id", CompactString()),
        ("controller_id", Int32),
        ("topics", CompactArray(*_TOPIC)),
        ("tags", TaggedFields),
    )


class _MetadataStruct(RequestStruct):
    """Kafka's MetadataRequest, version 12."""

    FLEXIBLE_VERSION = True
    API_KEY = 3
    API_VERSION = 12
    RESPONSE_TYPE = _MetadataResponse
    SCHEMA = Schema(
        (
            "topics",
            CompactArray(("topic_id", _Uuid), ("name", CompactString()), ("tags", TaggedFields)),
        ),
        ("allow_auto_topic_creation", Boolean),
        ("include_topic_authorized_operations", Boolean),
        ("tags", TaggedFields),
    )


class _MetadataRequest(Request[_MetadataStruct]):
    API_KEY = 3

    def __init__(self, names: Collection[str]) -> None:
        self._names = names

    def build(self, request_struct_class: type[_MetadataStruct]) -> _MetadataStruct:
        tags: dict[int, bytes] = {}
        by_name = [(UUID(int=0), name, tags) for name in self._names]
        return request_struct_class(by_name, False, False, tags)  # noqa: FBT003 - as the schema says


@dataclass(frozen=True, slots=True)
class TopicNow:
    """A topic as Kafka has it at the moment."""

    topic_id: str
    """Another one once it was deleted and made again."""
    partitions: int


async def topics_now(asking: object, names: Collection[str]) -> Mapping[str, TopicNow]:
    """Return those of *names* that exist and may be seen.

    *asking* is a started consumer or admin client of aiokafka's, over whose connection they are
    asked for.

    Raises:
        KafkaError: Nobody answers, or the broker is older than Kafka 3.0.
    """
    client = cast("Any", asking)._client  # noqa: SLF001 - it has no way to ask this
    node = client.get_random_node()
    if node is None:
        raise NodeNotReadyError("no broker is known")
    try:
        response = await client.send(node, _MetadataRequest(names))
    except NotImplementedError as error:
        raise IncompatibleBrokerVersion("topics have no ids before Kafka 3.0") from error
    found: dict[str, TopicNow] = {}
    for code, name, topic_id, _, partitions, *_ in response.topics:
        if code in {UNKNOWN_TOPIC, NOT_AUTHORIZED}:
            continue
        if code:
            raise for_code(code)(name)
        found[name] = TopicNow(str(topic_id), len(partitions))
    return found
