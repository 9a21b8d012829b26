"""Looks at the batch that stopped a partition, and leaves a dead letter where it was."""

from collections.abc import Sequence
from typing import Any

from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.errors import CorruptRecordException, OffsetOutOfRangeError

from client.batches import Mark
from client.screening import ScreenedConsumer
from contracts.codes import Code
from contracts.requests import REQUESTS
from contracts.topics import TopicSpec
from workers.batches.dead_letters import dead_letter
from workers.config.settings import Settings
from workers.consuming.records import Malformed, Raw, malformed
from workers.kafka.connection import kafka_connection
from workers.kafka.offsets import OffsetsError
from workers.kafka.publisher import kafka_publisher
from workers.kafka.publishing import PublishError
from workers.kafka.topic_names import TopicNames

READ_MS = 10_000
"""How long a broker may take to hand out one batch."""


class _Looking(ScreenedConsumer):
    """A consumer that returns what stands for a batch which nobody can decode."""

    def instead(self, record: ConsumerRecord[Any, Any], mark: Mark) -> Sequence[Raw]:
        """Return what stands for *record*."""
        return [malformed(record, mark)]


async def undecodable_at(settings: Settings, part: TopicPartition, offset: int) -> Malformed:
    """Return what stands for the batch at *offset*, which nobody can decode.

    Raises:
        OffsetsError: There is none, or it is not known where it ends.
    """
    consumer: Any = _Looking(
        **kafka_connection(settings),
        enable_auto_commit=False,
        auto_offset_reset="none",
        isolation_level="read_committed",
    )
    await consumer.start()
    try:
        consumer.assign([part])
        consumer.seek(part, offset)
        found = await consumer.getmany(timeout_ms=READ_MS, max_records=1)
    except CorruptRecordException as error:
        raise OffsetsError(
            f"{error}; find a later offset that can be read, and use `accounts offsets set`"
        ) from None
    except OffsetOutOfRangeError:
        raise OffsetsError(f"offset {offset} is not kept any more: nothing to skip") from None
    finally:
        await consumer.stop()
    [record] = found.get(part, [None])
    if not isinstance(record, Malformed) or record.original is not None:
        raise OffsetsError(
            f"what comes at offset {offset} can be decoded, if there is anything: nothing to skip. "
            "If the workers stopped there, let them answer what stands before it first"
        )
    return record


async def add_dead_letter(
    settings: Settings, batch: Malformed, topic: TopicSpec, group: str
) -> None:
    """Leave a dead letter for *batch*.

    Raises:
        OffsetsError: It was not acknowledged.
    """
    names = TopicNames.under(settings.topic_prefix)
    code = Code.INVALID_REQUEST if topic in REQUESTS else Code.INVALID_COMMAND
    letter = dead_letter(batch, topic, code, batch.fault, group=group, to=names.dead_letters)
    async with kafka_publisher(settings) as publisher:
        try:
            await publisher.publish([letter])
        except PublishError as error:
            raise OffsetsError(
                f"its dead letter was not acknowledged ({error}): run it again"
            ) from None
