"""Writes record batches byte by byte, as no client library would."""

import struct
from typing import Any, cast

from aiokafka.client import AIOKafkaClient
from aiokafka.protocol.produce import ProduceRequest

from contracts.topics import TopicSpec
from tests.batches import LZ4, a_batch, a_record
from tests.e2e.running import RunningService

_LZ4_HEADER = bytes.fromhex("04224d186440a7")
"""Magic number; version 1, independent blocks, a content checksum; blocks of 64 KiB; header hash."""


def a_batch_nobody_can_decode(value: bytes) -> bytes:
    """Return a batch that the broker takes: only a reader compares the content's checksum."""
    records = a_record(value)
    stored = struct.pack("<I", 0x8000_0000 | len(records)) + records
    frame = _LZ4_HEADER + stored + struct.pack("<I", 0) + b"\xba\xdc\x0d\xe0"
    return a_batch(frame, codec=LZ4)


async def produce(service: RunningService, topic: TopicSpec, partition: int, batch: bytes) -> int:
    """Write *batch* as it is; return the offset of its first record.

    Raises:
        AssertionError: The broker did not take it.
    """
    client = cast("Any", AIOKafkaClient(bootstrap_servers=service.addresses.kafka))
    await client.bootstrap()
    try:
        [broker] = client.cluster.brokers()
        request = ProduceRequest(
            transactional_id=None,
            required_acks=-1,
            timeout=5000,
            topics=[(service.topic(topic), [(partition, batch)])],
        )
        response = await client.send(broker.nodeId, request)
        [(_, [(_, error_code, offset, *_)])] = response.topics
        assert error_code == 0, response
        return offset
    finally:
        await client.close()
