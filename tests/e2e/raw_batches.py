"""Record batches written byte by byte, as no client library would."""

import struct
from typing import Any, cast

from aiokafka.client import AIOKafkaClient
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.util import calc_crc32c

from contracts.topics import TopicSpec
from tests.e2e.running import RunningService

LZ4 = 3
"""Kafka's number of the codec, in a batch's attributes."""
_LENGTH_AT, _CRC_AT, _ATTRIBUTES_AT, _RECORDS_AT = 8, 17, 21, 61
"""Offsets in a batch of format 2; its length counts from behind itself, its CRC from attributes."""
_LZ4_HEADER = bytes.fromhex("04224d186440a7")
"""Magic number; version 1, independent blocks, a content checksum; blocks of 64 KiB; header hash."""


def a_batch_nobody_can_decode(value: bytes) -> bytes:
    """Return a batch that the broker takes: only a reader compares the content's checksum."""
    builder = cast(
        "Any",
        DefaultRecordBatchBuilder(
            magic=2,
            compression_type=0,
            is_transactional=0,
            producer_id=-1,
            producer_epoch=-1,
            base_sequence=-1,
            batch_size=16_384,
        ),
    )
    builder.append(0, timestamp=1, key=b"x", value=value, headers=[])
    plain = bytearray(builder.build())
    records = bytes(plain[_RECORDS_AT:])
    stored = struct.pack("<I", 0x8000_0000 | len(records)) + records
    frame = _LZ4_HEADER + stored + struct.pack("<I", 0) + b"\xba\xdc\x0d\xe0"
    batch = plain[:_RECORDS_AT] + frame
    struct.pack_into(">h", batch, _ATTRIBUTES_AT, LZ4)
    struct.pack_into(">i", batch, _LENGTH_AT, len(batch) - _LENGTH_AT - 4)
    struct.pack_into(">I", batch, _CRC_AT, calc_crc32c(bytes(batch[_ATTRIBUTES_AT:])))
    return bytes(batch)


async def produce(service: RunningService, topic: TopicSpec, partition: int, batch: bytes) -> None:
    """Write *batch* as it is.

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
        [(_, [(_, error_code, *_)])] = response.topics
        assert error_code == 0, response
    finally:
        await client.close()
