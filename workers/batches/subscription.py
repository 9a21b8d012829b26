"""How every group of ours is subscribed: raw batches of several topics, committed by us alone."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from aiokafka import ConsumerRebalanceListener
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.kafka.message import KafkaMessage

from workers.config.reader import ReaderOptions
from workers.consuming.pace import FETCH_WAIT_MS
from workers.consuming.records import Raw

POLL_WAIT_MS = 5
"""How long the framework rests after a poll that brought nothing: it adds to every idle answer."""

FETCHER_WAIT_MS = 1000
"""How often aiokafka looks what else is to be fetched where nothing happens; what happens, such as a new
assignment, has it look at once."""

FETCH_BYTES_MAX = 2 * 1024 * 1024
"""Of one fetch over all partitions: some batches' worth, so that reading ahead stays bounded."""

PARTITION_BYTES_MAX = 1024 * 1024
"""Of one partition in a fetch: the largest record fits."""

RECORD_BYTES = 4096
"""What a record is reckoned with, so that a partition's fetch is worth about one batch: all of it
is taken before the next partition's, and one user's flood of sign-ins must not be the whole batch
again and again. A larger record comes all the same, alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """What one group reads."""

    title: str
    """What it brings, as the log names it."""
    topics: Sequence[str]
    """Full names."""
    group: str
    batch_records_max: int
    poll_wait_ms: int = POLL_WAIT_MS
    assignor: type[RangePartitionAssignor] = RangePartitionAssignor
    """Its name keeps out members of releases that must not run beside this one."""


def subscribe(
    broker: KafkaBroker,
    subscription: Subscription,
    *,
    options: ReaderOptions,
    listener: ConsumerRebalanceListener,
    take: Callable[[Any], Awaitable[None]],
) -> None:
    """Have *take* called with the records that come, in the order of each partition."""
    subscriber = broker.subscriber(
        *subscription.topics,
        group_id=subscription.group,
        batch=True,
        max_records=subscription.batch_records_max,
        batch_timeout_ms=subscription.poll_wait_ms,
        ack_policy=AckPolicy.MANUAL,
        no_reply=True,
        **consumer_settings(subscription, options),
        listener=listener,
        parser=_unparsed,
        decoder=_undecoded,
        title=subscription.title,
        include_in_schema=False,
    )
    subscriber(take)


def consumer_settings(subscription: Subscription, options: ReaderOptions) -> dict[str, Any]:
    """Return what the consumer of a group is told, in the words of aiokafka."""
    return {
        "auto_offset_reset": "none",  # the consumer starts a new group at the beginning itself
        "isolation_level": "read_committed",
        "partition_assignment_strategy": (subscription.assignor,),
        "session_timeout_ms": options.session_timeout_ms,
        "heartbeat_interval_ms": options.session_timeout_ms // 5,
        "rebalance_timeout_ms": max(options.session_timeout_ms, 2 * options.revoke_timeout_ms),
        "consumer_timeout_ms": FETCHER_WAIT_MS,
        "fetch_max_wait_ms": FETCH_WAIT_MS,
        "fetch_max_bytes": FETCH_BYTES_MAX,
        "max_partition_fetch_bytes": min(
            PARTITION_BYTES_MAX, subscription.batch_records_max * RECORD_BYTES
        ),
    }


async def _undecoded(message: KafkaMessage) -> Any:
    """Hand out the records as they are: one that is no JSON must not cost the whole batch."""
    return message.raw_message


async def _unparsed(records: Sequence[Raw]) -> KafkaMessage:
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
    """Stands where the framework would acknowledge: who reads commits explicit offsets."""

    async def commit(self) -> None:
        raise AssertionError("who reads commits")

    def seek(self, partition: object, offset: int) -> None:
        raise AssertionError(f"who reads seeks, not to {offset} in {partition}")


_NO_CONSUMER = _NoConsumer()
