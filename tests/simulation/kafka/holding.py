"""A fetch that a broker holds because there is nothing to answer yet."""

# aiokafka annotates only a part of its interface:
# pyright: reportPrivateUsage=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

import asyncio
from collections.abc import Mapping
from typing import Any

from aiokafka import TopicPartition

from tests.simulation.kafka.cluster import SimulatedKafka
from tests.simulation.kafka.log import PartitionLog


class Hold:
    """Ends when something can be answered.

    A broker also ends it after a while, and the client asks the same again, which says nothing to anybody and costs
    a simulation more than all the rest. So it ends after a while only where that makes a difference: if
    the client would ask for something else by now, or would hear of a new end of a log.
    """

    def __init__(self, kafka: SimulatedKafka, node: int, request: Any) -> None:
        self._kafka = kafka
        self._node = node
        self._topics = request._topics
        self._committed = request._isolation_level == 1
        self._wait_s = request._max_wait_ms / 1000
        self._loop = asyncio.get_running_loop()
        self._since_s = self._loop.time()
        self._woken: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._is_over = False

    async def over(self) -> None:
        """Return once the broker answers."""
        try:
            while not self._is_over and (logs := self._nothing_in()) is not None:
                woken = self._woken = self._loop.create_future()
                for log in logs:
                    log.waiting[woken] = None
                try:
                    await woken
                finally:
                    for log in logs:
                        log.waiting.pop(woken, None)
                self._ends_in_time()  # there is a record at least that nobody may read yet
        finally:
            if self._timer is not None:
                self._timer.cancel()

    def ends_for(self, places: Mapping[TopicPartition, int | None]) -> None:
        """End in time if *places* are read on elsewhere than is asked for: the client will ask anew."""
        asked = {
            (name, number): position
            for name, parts in self._topics
            for number, position, _ in parts
        }
        for tp, position in places.items():
            topic = self._kafka.topics.get(tp.topic)
            is_led_here = (
                topic is not None
                and tp.partition < len(topic.logs)
                and topic.logs[tp.partition].leader == self._node
            )
            if is_led_here and asked.get(tp) != position:
                self._ends_in_time()
                return

    def _nothing_in(self) -> list[PartitionLog] | None:
        """Return the logs that are asked for; None if one of them has an answer."""
        logs: list[PartitionLog] = []
        for name, places in self._topics:
            topic = self._kafka.topics.get(name)
            for number, position, _ in places:
                if topic is None or number >= len(topic.logs):
                    return None
                log = topic.logs[number]
                if log.readable_from(position, committed=self._committed):
                    return None
                logs.append(log)
        return logs

    def _ends_in_time(self) -> None:
        """End when the broker would: it has held this for a while, and before the same as often as may be."""
        if self._timer is None:
            held_s = self._loop.time() - self._since_s
            left_s = self._wait_s - held_s % self._wait_s if self._wait_s else 0.0
            self._timer = self._loop.call_later(left_s, self._end)

    def _end(self) -> None:
        self._is_over = True
        if self._woken is not None and not self._woken.done():
            self._woken.set_result(None)
