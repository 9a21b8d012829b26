"""Has the framework build our own consumers for our groups."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from aiokafka import AIOKafkaConsumer
from faststream.kafka import KafkaBroker

from workers.batches.membership import Membership
from workers.consuming.consumer import CursorConsumer


class Consumers:
    """The consumers of this process, as far as the framework has built them."""

    def __init__(self, members: Sequence[Membership[Any]], *, skips: bool = True) -> None:
        """Go on behind what cannot be decoded if they are to *skip* it."""
        self._skips = skips
        self._members = {member.subscription.group: member for member in members}
        self.built: list[CursorConsumer] = []

    async def connect(self, broker: KafkaBroker) -> None:
        """Connect *broker* so that each group gets a consumer hooked to its member.

        The framework has no other place for a consumer class; its own test broker uses this one.
        """
        await broker.connect()
        config = broker.config.broker_config
        build = config.builder
        assert isinstance(build, partial)
        shared: dict[str, Any] = build.keywords

        def build_consumer(**settings: Any) -> AIOKafkaConsumer:
            member = self._members[settings["group_id"]]
            consumer = CursorConsumer(
                hooks=member.hooks,
                progress=member.progress,
                skips=self._skips,
                **{**shared, **settings},
            )
            member.attach(consumer)
            self.built.append(consumer)
            return consumer

        config.builder = build_consumer
