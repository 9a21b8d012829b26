"""Has the framework build our own consumers for our groups."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Protocol

from aiokafka import AIOKafkaConsumer
from faststream.kafka import KafkaBroker

from workers.ledger.consumer import Hooks, LedgerConsumer
from workers.progress import Progress


class Owner(Protocol):
    """Who reads what one consumer group brings."""

    hooks: Hooks
    consumer: LedgerConsumer | None

    @property
    def progress(self) -> Progress:
        """The owner's account of itself."""
        ...


async def connect_consumers(broker: KafkaBroker, owners: Mapping[str, Owner]) -> None:
    """Connect *broker* so that each group of *owners* gets a `LedgerConsumer`, hooked to its owner.

    The framework has no other place for a consumer class; its own test broker uses this one.
    """
    await broker.connect()
    config = broker.config.broker_config
    build: Callable[..., AIOKafkaConsumer] = config.builder
    assert isinstance(build, partial)
    shared: dict[str, Any] = build.keywords

    def build_consumer(**settings: Any) -> AIOKafkaConsumer:
        owner = owners.get(settings["group_id"])
        if owner is None:
            return build(**settings)
        owner.consumer = LedgerConsumer(
            hooks=owner.hooks, progress=owner.progress, **{**shared, **settings}
        )
        return owner.consumer

    config.builder = build_consumer
