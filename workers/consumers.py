"""Has the framework build our own consumers for our groups."""

from collections.abc import Sequence
from functools import partial
from typing import Any, Protocol

from aiokafka import AIOKafkaConsumer
from faststream.kafka import KafkaBroker

from workers.consuming.consumer import CursorConsumer
from workers.consuming.hooks import Hooks
from workers.progress import Progress


class Owner(Protocol):
    """Who reads what one consumer group brings."""

    hooks: Hooks

    @property
    def progress(self) -> Progress:
        """The owner's account of itself."""
        ...

    @property
    def group(self) -> str:
        """The consumer group it reads in."""
        ...

    def attach(self, consumer: CursorConsumer) -> None:
        """Read from *consumer* from now on."""
        ...

    async def drain(self) -> None:
        """Finish what is in hand within a bound; nothing is taken afterwards."""
        ...


class Consumers:
    """The consumers of this process, as far as the framework has built them."""

    def __init__(self, owners: Sequence[Owner], *, skips: bool = True) -> None:
        """Go on behind what cannot be decoded if they are to *skip* it."""
        self._skips = skips
        self._owners = {owner.group: owner for owner in owners}
        self.built: list[CursorConsumer] = []

    async def connect(self, broker: KafkaBroker) -> None:
        """Connect *broker* so that each owner's group gets a consumer hooked to its owner.

        The framework has no other place for a consumer class; its own test broker uses this one.
        """
        await broker.connect()
        config = broker.config.broker_config
        build = config.builder
        assert isinstance(build, partial)
        shared: dict[str, Any] = build.keywords

        def build_consumer(**settings: Any) -> AIOKafkaConsumer:
            owner = self._owners[settings["group_id"]]
            consumer = CursorConsumer(
                hooks=owner.hooks,
                progress=owner.progress,
                skips=self._skips,
                **{**shared, **settings},
            )
            owner.attach(consumer)
            self.built.append(consumer)
            return consumer

        config.builder = build_consumer
