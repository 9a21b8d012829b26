"""A consumer of aiokafka's that always stops."""

import asyncio
from typing import Any, cast

from aiokafka import AIOKafkaConsumer

STOP_TIMEOUT_S = 15.0
"""A stop that takes longer hangs: the longest question in it, to leave the group, is given 10 s."""


class StoppableConsumer(AIOKafkaConsumer):
    """A consumer whose `stop` closes its connections, and cancels nobody.

    aiokafka waits for the fetches that it cancels while it stops. One that had not begun yet raises
    its own cancellation there, which looks like the caller's, and leaves the connections open; one
    that is dropped at that moment for a lost assignment has it wait for ever.
    """

    async def stop(self) -> None:
        """Leave the group and disconnect; may be called again."""
        stopping = asyncio.ensure_future(super().stop())
        await asyncio.wait([stopping], timeout=STOP_TIMEOUT_S)
        if stopping.done() and not stopping.cancelled():
            stopping.result()
            return
        stopping.cancel()
        await cast("Any", self._client).close()
