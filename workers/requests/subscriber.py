"""The subscriber of one group that reads requests."""

from faststream.kafka import KafkaBroker

from workers.consuming.subscription import Subscription, subscribe
from workers.requests.reader import RequestReader


def add_requests(broker: KafkaBroker, reader: RequestReader) -> None:
    """Subscribe *reader* to its topics, in its own group."""
    subscription = Subscription(
        title=reader.group,
        topics=tuple(reader.prefix + topic.name for topic in reader.topics),
        group=reader.group,
        hooks=reader.hooks,
        progress=reader.progress,
        batch_records_max=reader.answerer.batch_records_max,
        options=reader.options,
    )
    subscribe(broker, subscription, reader.take)
