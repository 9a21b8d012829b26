"""The framework's broker, whose start ends the process where it fails."""

import logging
from collections.abc import Callable
from typing import Any

from aiokafka.errors import KafkaError
from faststream.kafka import KafkaBroker

from workers.bootstrap.consumers import Consumers
from workers.monitoring.error_places import places

logger = logging.getLogger(__name__)


class ReadingBroker(KafkaBroker):
    """Starts what reads.

    The framework does that beside the sidecar, which has started by then and goes on whatever becomes
    of it: a process that reads nothing, and does not end.
    """

    def __init__(self, *addresses: str, end: Callable[[str], None], **settings: Any) -> None:
        """Have *end* told why nothing can be read."""
        super().__init__(addresses, **settings)
        self._end = end
        self.consumers: Consumers | None = None
        """What its groups read with; set before the start."""

    async def start(self) -> None:
        """Join all groups, or end the process."""
        assert self.consumers is not None
        try:
            await self.consumers.connect(self)
            await super().start()
        except KafkaError as error:
            self._end(f"Kafka failed at the start: {error}")
        except Exception as error:  # noqa: BLE001 - nobody else would notice
            logger.error("the start failed: %s", places(error))  # noqa: TRY400 - without texts
            self._end(f"the start failed: {type(error).__name__}")
