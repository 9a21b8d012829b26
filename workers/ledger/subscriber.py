"""The ledger's one batch subscriber: raw records of all ordered topics, acknowledged by us."""

import logging
from collections.abc import Sequence
from typing import Any

from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.kafka.message import KafkaMessage

from workers.ledger.engine import Engine
from workers.ledger.parsing import Raw

logger = logging.getLogger(__name__)

POLL_WAIT_MS = 5
"""How long the framework rests after a poll that brought nothing: it adds to every idle answer."""

FETCH_WAIT_MS = 20
"""How long Kafka may hold a fetch that finds nothing; arriving records end it at once. But one
fetch at a time is under way, and it leaves out the partitions that had records waiting: what comes
to those meanwhile waits as long."""

FETCH_BYTES_MAX = 2 * 1024 * 1024
"""Of one fetch over all partitions: some cycles' worth, so that reading ahead stays bounded."""

PARTITION_BYTES_MAX = 1024 * 1024
"""Of one partition in a fetch: the largest record fits."""


async def undecoded(message: KafkaMessage) -> Any:
    """Hand out the records as they are: one that is no JSON must not cost the whole batch."""
    return message.raw_message


async def unparsed(records: Sequence[Raw]) -> KafkaMessage:
    """Wrap a batch without touching its headers: a binary one would lose it in silence."""
    return KafkaMessage(
        body=records,
        raw_message=tuple(records),
        headers={},
        message_id="",
        correlation_id="",
        consumer=_NO_CONSUMER,
    )


class _NoConsumer:
    """Stands where the framework would acknowledge: the engine commits explicit offsets."""

    async def commit(self) -> None:
        raise AssertionError("the engine commits")

    def seek(self, partition: object, offset: int) -> None:
        raise AssertionError(f"the engine seeks, not to {offset} in {partition}")


_NO_CONSUMER = _NoConsumer()


def add_ledger(broker: KafkaBroker, engine: Engine) -> None:
    """Subscribe *engine* to all ordered topics, in its own group."""
    options = engine.options

    @broker.subscriber(
        *engine.topics,
        group_id=options.group,
        batch=True,
        max_records=options.batch_records_max,
        batch_timeout_ms=POLL_WAIT_MS,
        ack_policy=AckPolicy.MANUAL,
        no_reply=True,
        auto_offset_reset="none",
        isolation_level="read_committed",
        partition_assignment_strategy=(RangePartitionAssignor,),
        session_timeout_ms=options.session_timeout_ms,
        heartbeat_interval_ms=options.session_timeout_ms // 5,
        rebalance_timeout_ms=max(options.session_timeout_ms, 2 * options.revoke_timeout_ms),
        fetch_max_wait_ms=FETCH_WAIT_MS,
        fetch_max_bytes=FETCH_BYTES_MAX,
        max_partition_fetch_bytes=PARTITION_BYTES_MAX,
        listener=engine.hooks,
        parser=unparsed,
        decoder=undecoded,
        title="ledger",
    )
    async def decide_and_publish(records: Any) -> None:
        try:
            await engine.take(records)
        except Exception as error:
            # The framework would swallow it and go on with the next records.
            logger.exception("a cycle failed")
            engine.progress.fail(f"a cycle failed: {type(error).__name__}")
