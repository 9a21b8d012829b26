"""Sends commands and requests through librdkafka, and waits for what became of them."""

# confluent-kafka annotates its interface incompletely:
# pyright: reportPrivateImportUsage=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

import json
import time
import uuid
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

TRY_S = 3.0
"""How long to wait for an answer before the same is sent again: answers take milliseconds."""
TRIES_MAX = 10
KAFKA_MAX_S = 10.0


class UnknownOutcomeError(Exception):
    """Nobody said what became of it: it may have been done or not. Ask again under the same id."""


class Accounts:
    """One connection that sends, and one that reads all answers on a topic of ours."""

    def __init__(self, bootstrap: str, topics: str, caller: str) -> None:
        self._topics, self._reply_to = topics, f"{topics}replies.{caller}"
        create(AdminClient({"bootstrap.servers": bootstrap}), self._reply_to)
        self._producer = Producer(
            {
                "bootstrap.servers": bootstrap,
                # librdkafka's own choice, CRC32, would put most users on another partition.
                "partitioner": "murmur2_random",
                "enable.idempotence": True,  # acks=all with it
            }
        )
        self._answers = Consumer(
            {
                "bootstrap.servers": bootstrap,
                "group.id": f"{caller}-{uuid.uuid4().hex}",  # librdkafka wants one; none is joined
                "enable.auto.commit": False,
            }
        )
        # All partitions, from where they end now: every answer comes later.
        self._answers.assign(
            [
                TopicPartition(each.topic, each.partition, self._end(each))
                for each in partitions(self._answers, self._reply_to)
            ]
        )

    def ask(self, topic: str, message: dict[str, Any]) -> dict[str, Any]:
        """Return the answer to *message*, which is sent again, as it is, while there is none.

        Raises:
            UnknownOutcomeError: None came.
        """
        value = json.dumps(message).encode()
        for _ in range(TRIES_MAX):
            self._send(topic, message["username"], value)
            answer = self._answer(message.get("command_id") or message["request_id"])
            if answer is not None:
                return answer
            print(f"no answer to {topic} yet: sending the same again")
        raise UnknownOutcomeError(f"{topic}: no answer; ask again later, under the same id")

    def close(self) -> None:
        """Leave Kafka."""
        self._answers.close()

    def _send(self, topic: str, username: str, value: bytes) -> None:
        failed: list[KafkaError] = []

        def acknowledged(error: KafkaError | None, message: Message) -> None:
            if error is not None:
                failed.append(error)
            else:
                print(f"sent to {topic}, partition {message.partition()}")

        self._producer.produce(
            self._topics + topic,
            key=username,  # always: one user's commands are decided in order
            value=value,
            headers={"reply_to": self._reply_to},
            on_delivery=acknowledged,
        )
        if self._producer.flush(KAFKA_MAX_S) or failed:
            print(f"Kafka has not acknowledged it: {failed}")  # and may have it all the same

    def _answer(self, sent_id: str) -> dict[str, Any] | None:
        """Return the answer to *sent_id*, or None where none comes in time."""
        until = time.monotonic() + TRY_S
        while (left := until - time.monotonic()) > 0:
            record = self._answers.poll(left)
            value = None if record is None or record.error() else record.value()
            if value is None:
                continue
            answer = json.loads(value)
            # Others may use this topic too, and an answer may come twice.
            if sent_id not in (answer.get("command_id"), answer.get("request_id")):
                continue
            # A status of a later release, without an error, is no answer yet.
            if answer["status"] == "accepted" or "error" in answer:
                return answer
        return None

    def _end(self, partition: TopicPartition) -> int:
        return self._answers.get_watermark_offsets(partition, KAFKA_MAX_S)[1]


def create(admin: AdminClient, topic: str) -> None:
    """Make the topic for our answers, unless it is there. In production an operator does."""
    try:
        admin.create_topics([NewTopic(topic, num_partitions=1)])[topic].result(KAFKA_MAX_S)
    except KafkaException as error:
        if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
            raise


def partitions(consumer: Consumer, topic: str) -> list[TopicPartition]:
    """Return all partitions of *topic*."""
    found = consumer.list_topics(topic, KAFKA_MAX_S).topics[topic]
    if found.error is not None or not found.partitions:
        raise UnknownOutcomeError(f"there is no topic {topic}")
    return [TopicPartition(topic, number) for number in found.partitions]
