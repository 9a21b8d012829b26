"""Which topics a client of aiokafka's has to know of."""

# aiokafka annotates only a part of its interface:
# pyright: reportUnknownMemberType=false

from collections.abc import Iterable

from aiokafka.client import AIOKafkaClient


def know_at_once(client: AIOKafkaClient, topics: Iterable[str]) -> None:
    """Have *client* ask for all *topics* that it does not know yet in one request.

    By itself aiokafka finds out one topic at a time, each with a request, and where it is asked for
    end offsets with a pause of 100 ms too: the first question of a worker took half a second.
    """
    for topic in topics:
        client.add_topic(topic)
