"""The identity worker's subscriber for waiting registrations: raw records, acknowledged by us."""

import logging
from typing import Any

from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from faststream import AckPolicy
from faststream.kafka import KafkaBroker

from contracts.topics import CREDENTIALS
from workers.credentials_reader import CredentialsReader
from workers.ledger.subscriber import undecoded, unparsed

logger = logging.getLogger(__name__)

POLL_WAIT_MS = 20
"""Rest after a poll that brought nothing: a tenth of what one hash takes."""


def add_credentials(broker: KafkaBroker, reader: CredentialsReader) -> None:
    """Subscribe *reader* to the waiting registrations, in the identity worker's group."""
    worker, options = reader.worker, reader.options

    @broker.subscriber(
        worker.prefix + CREDENTIALS.name,
        group_id=worker.group,
        batch=True,
        max_records=worker.batch_records_max,
        batch_timeout_ms=POLL_WAIT_MS,
        ack_policy=AckPolicy.MANUAL,
        no_reply=True,
        auto_offset_reset="none",  # the consumer starts a new group at the beginning itself
        isolation_level="read_committed",
        partition_assignment_strategy=(RangePartitionAssignor,),
        session_timeout_ms=options.session_timeout_ms,
        heartbeat_interval_ms=options.session_timeout_ms // 5,
        rebalance_timeout_ms=max(options.session_timeout_ms, 2 * options.revoke_timeout_ms),
        listener=reader.hooks,
        parser=unparsed,
        decoder=undecoded,
        title="credentials",
        include_in_schema=False,
    )
    async def hash_and_answer(records: Any) -> None:
        try:
            await reader.take(records)
        except Exception as error:  # noqa: BLE001 - what the framework would swallow
            # The framework would swallow it and go on. Its text may quote a record.
            name = type(error).__name__
            logger.error("a batch of credentials failed with %s", name)  # noqa: TRY400
            worker.progress.fail(f"a batch of credentials failed: {name}")
