"""Deposit money from a librdkafka client, as Python's `confluent-kafka` is one.

    python examples/publish_confluent.py 127.0.0.1:9092 alice 10.50 USD

Needs the package `confluent-kafka` and nothing of this project: a command is one JSON object.
"""

import json
import sys
import uuid

from confluent_kafka import KafkaError, Message, Producer

TOPIC = "accounts.commands.deposit"
ACKNOWLEDGED_S = 10


def deposit(bootstrap: str, username: str, amount: str, currency: str) -> None:
    """Send one deposit and wait until Kafka has acknowledged it."""
    producer = Producer(
        {
            "bootstrap.servers": bootstrap,
            # The placement of Kafka's own clients. librdkafka's default, CRC32, puts most users on
            # another partition: money stays exact, but a withdrawal sent right behind another
            # sender's deposit may then be refused because the deposit was not read yet.
            "partitioner": "murmur2_random",
            "enable.idempotence": True,  # acks=all with it
        }
    )
    command = {
        "command_id": uuid.uuid4().hex,  # keep it for every retry
        "username": username,
        "amount": amount,  # a string: amounts are never floating-point numbers
        "currency": currency,
    }
    producer.produce(TOPIC, key=username, value=json.dumps(command), on_delivery=report)
    producer.flush(ACKNOWLEDGED_S)


def report(error: KafkaError | None, message: Message) -> None:
    """Say whether Kafka has it; what became of it stands on `accounts.results`."""
    if error is None:
        print(f"sent, at {message.topic()} {message.partition()} {message.offset()}")
    else:
        print(f"not acknowledged, send it again: {error}")


if __name__ == "__main__":
    deposit(*sys.argv[1:5])
