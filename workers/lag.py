"""Exports how far each input partition is behind."""

import asyncio
from collections.abc import Sequence

from workers.clock import utc_now
from workers.consuming.consumer import CursorConsumer
from workers.metrics import Metrics

INTERVAL_S = 5.0
"""As often as an autoscaler can make use of it."""


async def export_lag(consumers: Sequence[CursorConsumer], metrics: Metrics) -> None:
    """Set the lag gauges of every assigned partition, again and again, until cancelled."""
    exported: set[tuple[str, int]] = set()
    while True:
        await asyncio.sleep(INTERVAL_S)
        now: set[tuple[str, int]] = set()
        undecodable = sum(len(consumer.undecodable) for consumer in consumers)
        metrics.undecodable_partitions.set(undecodable)
        for consumer in consumers:
            while consumer.skipped:
                topic, count = consumer.skipped.popitem()
                metrics.undecodable_batches_skipped_total.labels(topic).inc(count)
            for tp, cursor in consumer.cursors.items():
                if tp not in consumer.assignment():
                    continue
                now.add((tp.topic, tp.partition))
                _export(consumer, tp.topic, tp.partition, cursor, metrics)
        for topic, partition in exported - now:
            metrics.forget_partition(topic, partition)
        exported = now


def _export(
    consumer: CursorConsumer, topic: str, partition: int, cursor: int, metrics: Metrics
) -> None:
    highwater = consumer.high_water(topic, partition)
    behind = max(0, highwater - cursor) if highwater is not None else 0
    labels = (topic, str(partition))
    metrics.consumer_lag_records.labels(*labels).set(behind)
    oldest_ms = consumer.last_timestamps_ms.get((topic, partition))
    age_s = 0.0
    if behind and oldest_ms is not None:
        age_s = max(0.0, utc_now().timestamp() - oldest_ms / 1000)
    metrics.consumer_lag_seconds.labels(*labels).set(age_s)
