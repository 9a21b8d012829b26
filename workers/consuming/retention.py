"""Asks Kafka where reading goes on in a partition, unless retention was faster."""

# aiokafka annotates only a part of its interface:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

import asyncio
from collections.abc import Collection, Mapping
from typing import Protocol

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError


class OvertakenError(Exception):
    """Retention deleted commands before they were read; they cannot be decided any more."""


def start_of(tp: TopicPartition, committed: int | None, start: int) -> int:
    """Return where to read on; only a new group starts at the beginning."""
    if committed is None:
        return start
    if committed < start:
        raise overtaken(tp, committed, start)
    return committed


async def overtaken_in(
    consumer: AIOKafkaConsumer, cursors: Mapping[TopicPartition, int]
) -> OvertakenError | None:
    """Return what is wrong with the first of *cursors* outside of its log, or nothing."""
    starts = await consumer.beginning_offsets(list(cursors))
    ends = await consumer.end_offsets(list(cursors))
    return out_of_range(cursors, starts, ends)


class Asked(Protocol):
    """What is needed of a consumer to know whether Kafka is there."""

    async def topics(self) -> Collection[str]:
        """Return which topics there are."""
        ...


async def answers(consumer: Asked, *, timeout_ms: int) -> bool:
    """Say whether Kafka answers *consumer* at all."""
    try:
        async with asyncio.timeout(timeout_ms / 1000):
            await consumer.topics()
    except (KafkaError, TimeoutError):
        return False
    return True


def out_of_range(
    cursors: Mapping[TopicPartition, int],
    starts: Mapping[TopicPartition, int],
    ends: Mapping[TopicPartition, int],
) -> OvertakenError | None:
    """Return what is wrong with the first cursor outside of its log, or nothing."""
    for tp, cursor in cursors.items():
        if starts[tp] > cursor:
            return overtaken(tp, cursor, starts[tp])
        if ends[tp] < cursor:
            return cut_off(tp, cursor, ends[tp])
    return None


def overtaken(tp: TopicPartition, cursor: int, start: int) -> OvertakenError:
    """Return the error that says how much is lost."""
    return OvertakenError(
        f"retention deleted {start - cursor} records of {tp.topic}-{tp.partition} before they were "
        f"read (next was {cursor}, the log starts at {start}). Find out from their senders what "
        "they were, then set the group's offset by hand."
    )


def cut_off(tp: TopicPartition, cursor: int, end: int) -> OvertakenError:
    """Return the error that says what was read is no longer there."""
    return OvertakenError(
        f"{tp.topic}-{tp.partition} ends at {end}, before offset {cursor}, which was read: records "
        "were lost (topic recreated, unclean election). Compare the topic with the outcomes, then "
        "set the group's offset by hand."
    )
