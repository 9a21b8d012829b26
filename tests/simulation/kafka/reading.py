"""Reads for one member as FastStream's batch subscriber does, which is not simulated.

What it does stands in `faststream/kafka/subscriber/usecase.py`, version 0.7.8: `LogicSubscriber.start`,
`BatchSubscriber.get_msg` and `LogicSubscriber._run_consume_loop`; here are the same calls in the same order,
without its middleware, context and logs.
"""

# aiokafka annotates only a part of its interface:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from aiokafka.errors import ConsumerStoppedError, KafkaError, UnsupportedCodecError

from tests.simulation.kafka.cluster import SimulatedKafka
from tests.simulation.kafka.consumer import SimulatedCursorConsumer
from workers.batches.membership import Membership
from workers.batches.subscription import consumer_settings
from workers.consuming.consumer import CursorConsumer
from workers.consuming.records import Raw
from workers.consuming.unforeseen import or_end

CODEC_PAUSE_S = 15.0
ERROR_PAUSE_S = 5.0

LOOK_MS = 30_000
"""How often aiokafka looks what it could fetch where nothing has happened: there is nothing, and looking for it
each second, as in production, was a good part of a history."""


Take = Callable[[Sequence[Raw]], Awaitable[None]]


def _as_it_is(take: Take) -> Take:
    return take


@dataclass(slots=True)
class GroupReading:
    """One member's subscriber."""

    member: Membership[Any]
    consumer: CursorConsumer
    _running: bool = False
    _task: asyncio.Task[None] | None = None
    around: Callable[[Take], Take] = _as_it_is
    """What stands between it and its reader."""
    _take: Callable[[Any], Awaitable[None]] = field(init=False)

    def __post_init__(self) -> None:
        """Have what the member's own code raises end its process, as `Membership.subscribe` does."""
        member = self.member
        title = member.subscription.title
        self._take = or_end(self.around(member.reader.take), title=title, progress=member.progress)

    async def start(self) -> None:
        """Join the group, then read in a task of its own.

        Raises:
            KafkaError: Nobody answers; the process does not start.
        """
        topics = list(self.member.subscription.topics)
        self.consumer.subscribe(topics=topics, listener=self.member.hooks)
        await self.consumer.start()
        self._running = True
        self._task = asyncio.create_task(self._consume())

    async def stop(self) -> None:
        """Stop reading and leave the group; what is in hand should have been drained before."""
        self._running = False
        if self._task is not None:
            self._task.cancel()
        await self.consumer.stop()

    async def _consume(self) -> None:
        subscription = self.member.subscription
        pause_s = subscription.poll_wait_ms / 1000
        while self._running:
            try:
                records = await self.consumer.getmany(
                    timeout_ms=subscription.poll_wait_ms,
                    max_records=subscription.batch_records_max,
                )
            except UnsupportedCodecError:
                await asyncio.sleep(CODEC_PAUSE_S)
            except KafkaError:
                await asyncio.sleep(ERROR_PAUSE_S)
            except ConsumerStoppedError:
                return
            else:
                if not records:
                    await asyncio.sleep(pause_s)
                elif self._running:
                    await self._take(tuple(chain.from_iterable(records.values())))


def reading(
    member: Membership[Any],
    kafka: SimulatedKafka,
    *,
    skips: bool = True,
    around: Callable[[Take], Take] = _as_it_is,
) -> GroupReading:
    """Return what reads for *member*, with the settings and the consumer of a real process."""
    settings = consumer_settings(member.subscription, member.options)
    settings["consumer_timeout_ms"] = LOOK_MS
    consumer = SimulatedCursorConsumer(
        hooks=member.hooks,
        progress=member.progress,
        skips=skips,
        kafka=kafka,
        group_id=member.subscription.group,
        enable_auto_commit=False,  # as for every policy but ACK_FIRST
        **settings,
    )
    member.attach(consumer)
    return GroupReading(member, consumer, around=around)
