"""The ledger's one subscriber: raw records of all ordered topics."""

from faststream.kafka import KafkaBroker

from workers.consuming.subscription import Subscription, subscribe
from workers.ledger.engine import Engine


def add_ledger(broker: KafkaBroker, engine: Engine) -> None:
    """Subscribe *engine* to all ordered topics, in its own group."""
    subscription = Subscription(
        title="commands",
        topics=engine.topics,
        group=engine.group,
        hooks=engine.hooks,
        progress=engine.progress,
        batch_records_max=engine.options.batch_records_max,
        options=engine.options,
    )
    subscribe(broker, subscription, engine.take)
