"""Ends a producer of aiokafka's for good."""

import asyncio
import contextlib

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError


async def end(producer: AIOKafkaProducer, within_s: float) -> None:
    """Send what it still has for up to *within_s*, then disconnect; bounded."""
    with contextlib.suppress(KafkaError, TimeoutError):
        async with asyncio.timeout(within_s):
            await producer.stop()
            return
    # A stop given up half way leaves a sender behind that holds its batches and tries for ever.
    sender = producer._sender  # noqa: SLF001 - nothing public ends it # pyright: ignore[reportPrivateUsage]
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(within_s):
            await asyncio.gather(sender.close(), producer.client.close(), return_exceptions=True)
