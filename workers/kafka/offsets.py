"""How far consumer groups have read, and how to move them while nobody reads."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, cast

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from client.consumer import StoppableConsumer
from client.kafka import Kafka
from workers.config.settings import Settings
from workers.kafka.connection import kafka_admin, kafka_connection

AT_REST = {"Empty", "Dead"}
"""States of a group without members; `Dead` is one that Kafka does not know."""

STATE = 2
"""Place of the state in what Kafka answers about a group."""


class OffsetsError(Exception):
    """Kafka cannot do what was asked. Says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """How far a group has read one partition, and what there is to read."""

    group: str
    partition: TopicPartition
    committed: int | None
    """None where the group has read nothing so far."""
    beginning: int
    """First offset that is kept."""
    end: int


async def committed(settings: Settings, groups: Collection[str]) -> list[Place]:
    """Return how far *groups* have read the partitions of which they have read anything."""
    async with kafka_admin(settings) as admin:
        found = {
            group: cast(
                "Mapping[TopicPartition, Any]", await admin.list_consumer_group_offsets(group)
            )
            for group in groups
        }
    partitions = sorted({part for offsets in found.values() for part in offsets})
    beginnings, ends = await _bounds(settings, partitions)
    return [
        Place(
            group=group,
            partition=part,
            committed=offset.offset if offset.offset >= 0 else None,
            beginning=beginnings[part],
            end=ends[part],
        )
        for group, offsets in found.items()
        for part, offset in sorted(offsets.items())
        if part in ends
    ]


async def place_of(settings: Settings, kafka: Kafka, group: str, part: TopicPartition) -> Place:
    """Return how far *group* has read one partition.

    Raises:
        OffsetsError: There is no such partition.
        TopicMissingError: There is no such topic.
    """
    there = await kafka.partitions([part.topic])
    if part not in there:
        raise OffsetsError(f"{part.topic} has the partitions 0 to {len(there) - 1}")
    for place in await committed(settings, [group]):
        if place.partition == part:
            return place
    beginnings, ends = await _bounds(settings, [part])
    return Place(
        group=group,
        partition=part,
        committed=None,
        beginning=beginnings[part],
        end=ends[part],
    )


async def move(settings: Settings, group: str, part: TopicPartition, offset: int) -> None:
    """Let *group* read one partition on from *offset*.

    Raises:
        OffsetsError: Somebody reads with this group: nothing was changed.
    """
    await must_rest(settings, group)
    consumer: Any = StoppableConsumer(
        **kafka_connection(settings), group_id=group, enable_auto_commit=False
    )
    await consumer.start()
    try:
        consumer.assign([part])
        await consumer.commit({part: offset})
    except KafkaError as error:
        raise OffsetsError(
            f"Kafka did not take the offset ({type(error).__name__}): is a worker running?"
        ) from None
    finally:
        await consumer.stop()


async def must_rest(settings: Settings, group: str) -> None:
    """Make sure that nobody reads with *group*.

    Raises:
        OffsetsError: Somebody does.
    """
    async with kafka_admin(settings) as admin:
        [described] = cast("list[Any]", await admin.describe_consumer_groups([group]))
        state = described.groups[0][STATE]
    if state not in AT_REST:
        raise OffsetsError(
            f"the group {group} is being read with ({state}): stop the workers, then set it"
        )


async def _bounds(
    settings: Settings, partitions: Collection[TopicPartition]
) -> tuple[Mapping[TopicPartition, int], Mapping[TopicPartition, int]]:
    if not partitions:
        return {}, {}
    consumer: Any = StoppableConsumer(**kafka_connection(settings), enable_auto_commit=False)
    await consumer.start()
    try:
        return await consumer.beginning_offsets(partitions), await consumer.end_offsets(partitions)
    finally:
        await consumer.stop()
