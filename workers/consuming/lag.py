"""Exports how far each input partition is behind, and what somebody's open transaction hides."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from aiokafka import TopicPartition

from workers.clock import monotonic_s, utc_now
from workers.consuming.consumer import CursorConsumer
from workers.monitoring.metrics import Metrics

INTERVAL_S = 5.0
"""As often as an autoscaler can make use of it."""


@dataclass(frozen=True, slots=True)
class _Standstill:
    """Where the last stable offset stands although more was written, and since when."""

    offset: int
    since_s: float


class Lag:
    """The gauges of the partitions that are assigned to this process."""

    def __init__(self, consumers: Sequence[CursorConsumer], metrics: Metrics) -> None:
        self._consumers = consumers
        self._metrics = metrics
        self._exported: set[TopicPartition] = set()
        self._standstills: dict[TopicPartition, _Standstill] = {}

    async def run(self) -> None:
        """Set the gauges, again and again, until cancelled."""
        while True:
            await asyncio.sleep(INTERVAL_S)
            self.export()

    def export(self) -> None:
        """Set the gauges once; forget those of partitions that are not ours any more."""
        undecodable = sum(len(consumer.undecodable) for consumer in self._consumers)
        self._metrics.undecodable_partitions.set(undecodable)
        now: set[TopicPartition] = set()
        for consumer in self._consumers:
            while consumer.skipped:
                topic, count = consumer.skipped.popitem()
                self._metrics.undecodable_batches_skipped_total.labels(topic).inc(count)
            for tp in consumer.cursors.keys() & consumer.assignment():
                now.add(tp)
                self._export_lag(consumer, tp)
                self._export_standstill(consumer, tp)
        for tp in self._exported - now:
            self._metrics.forget_partition(tp.topic, tp.partition)
            self._standstills.pop(tp, None)
        self._exported = now

    def _export_lag(self, consumer: CursorConsumer, tp: TopicPartition) -> None:
        highwater = consumer.high_water(tp.topic, tp.partition)
        behind = max(0, highwater - consumer.cursors[tp]) if highwater is not None else 0
        labels = (tp.topic, str(tp.partition))
        self._metrics.consumer_lag_records.labels(*labels).set(behind)
        oldest_ms = consumer.last_timestamps_ms.get((tp.topic, tp.partition))
        age_s = 0.0
        if behind and oldest_ms is not None:
            age_s = max(0.0, utc_now().timestamp() - oldest_ms / 1000)
        self._metrics.consumer_lag_seconds.labels(*labels).set(age_s)

    def _export_standstill(self, consumer: CursorConsumer, tp: TopicPartition) -> None:
        """Nothing at or behind the last stable offset can be read until that transaction ends."""
        stable = consumer.stable_offset(tp.topic, tp.partition)
        end = consumer.high_water(tp.topic, tp.partition)
        known = self._standstills.pop(tp, None)
        age_s = 0.0
        if stable is None or end is None or not 0 <= stable < end:
            pass  # nothing is hidden
        elif consumer.cursors[tp] >= stable and tp not in consumer.paused():
            # Before it, or paused, we would not know: nothing is asked for.
            if known is None or known.offset != stable:
                known = _Standstill(stable, monotonic_s())
            self._standstills[tp] = known
            age_s = monotonic_s() - known.since_s
        self._metrics.open_transaction_seconds.labels(tp.topic, str(tp.partition)).set(age_s)
