"""Something in each server that must still be there later."""
# The Kafka and Redis clients annotate only half of their arguments.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

import asyncio
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from pymongo import AsyncMongoClient
from redis.asyncio import Redis

from devstack.addresses import Addresses
from devstack.kafka import MESSAGE_BYTES_MAX

LARGEST = b"x" * 1024 * 1024
"""The largest input, 1 MiB."""


async def write(addresses: Addresses) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=addresses.kafka)
    await admin.start()
    settings = {"max.message.bytes": str(MESSAGE_BYTES_MAX)}
    await admin.create_topics([NewTopic("kept", 1, 1, topic_configs=settings)])
    await admin.close()
    async with AIOKafkaProducer(
        bootstrap_servers=addresses.kafka, max_request_size=2 * MESSAGE_BYTES_MAX
    ) as producer:
        await producer.send_and_wait("kept", LARGEST)
    async with (
        AsyncMongoClient[dict[str, Any]](addresses.mongodb) as mongo,
        mongo.start_session() as session,
        await session.start_transaction(),
    ):
        await mongo["test"]["kept"].insert_one({"_id": 1}, session=session)
    async with Redis.from_url(addresses.redis) as redis:
        await redis.set("kept", "1")


async def require_written(addresses: Addresses) -> None:
    async with AIOKafkaConsumer(bootstrap_servers=addresses.kafka) as consumer:
        partition = TopicPartition("kept", 0)
        consumer.assign([partition])
        consumer.seek(partition, 0)
        record = await asyncio.wait_for(consumer.getone(), 30)
        assert record.value == LARGEST
    async with AsyncMongoClient[dict[str, Any]](addresses.mongodb) as mongo:
        assert await mongo["test"]["kept"].find_one() == {"_id": 1}
    async with Redis.from_url(addresses.redis) as redis:
        assert await redis.get("kept") == b"1"
