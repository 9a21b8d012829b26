"""The identity worker's subscriber for waiting registrations."""

from faststream.kafka import KafkaBroker

from contracts.topics import CREDENTIALS
from workers.consuming.subscription import Subscription, subscribe
from workers.credentials_reader import CredentialsReader

POLL_WAIT_MS = 20
"""Rest after a poll that brought nothing: a tenth of what one hash takes."""


def add_credentials(broker: KafkaBroker, reader: CredentialsReader) -> None:
    """Subscribe *reader* to the waiting registrations, in the identity worker's group."""
    subscription = Subscription(
        title="credentials",
        topics=(reader.worker.prefix + CREDENTIALS.name,),
        group=reader.group,
        hooks=reader.hooks,
        progress=reader.progress,
        batch_records_max=reader.worker.batch_records_max,
        options=reader.options,
        poll_wait_ms=POLL_WAIT_MS,
    )
    subscribe(broker, subscription, reader.take)
