"""Which topics are not read, and what is done about it."""

from collections.abc import Collection, Mapping, Sequence

import pytest
from aiokafka.errors import KafkaConnectionError

from client.topics_now import TopicNow
from workers.monitoring.inputs import InputConsumer, Inputs, Topics, UnreadInputError
from workers.monitoring.metrics import Metrics

DEPOSIT, WITHDRAW = "accounts.commands.deposit", "accounts.commands.withdraw"


class Kafka:
    """The topics there are."""

    def __init__(self) -> None:
        self.away = False
        self.there = {DEPOSIT: TopicNow("id-1", 3), WITHDRAW: TopicNow("id-2", 3)}

    async def topics(self, names: Collection[str]) -> Mapping[str, TopicNow]:
        if self.away:
            raise KafkaConnectionError("away")
        return {name: topic for name, topic in self.there.items() if name in names}


class Consumer:
    """Reads both."""

    def __init__(self) -> None:
        self.topic_ids: Mapping[str, str] = {}
        self.partitions = 3
        self.anew = 0
        self.looked = 0

    def subscribed(self) -> Collection[str]:
        return {DEPOSIT, WITHDRAW}

    def known_partitions(self, topic: str) -> int:
        del topic
        return self.partitions

    def look_again(self) -> None:
        self.looked += 1

    def start_anew(self) -> None:
        self.anew += 1


async def look(
    kafka: Topics, consumers: Sequence[InputConsumer], metrics: Metrics | None = None
) -> None:
    inputs = Inputs(kafka, consumers, metrics or Metrics())
    await inputs.ask()
    await inputs.compare()


def told(metrics: Metrics) -> float | None:
    return metrics.registry.get_sample_value("accounts_topic_partitions", {"topic": DEPOSIT})


class TestInputs:
    async def test_are_fine_when_all_is_read(self) -> None:
        consumer, metrics = Consumer(), Metrics()
        consumer.topic_ids = {DEPOSIT: "id-1", WITHDRAW: "id-2"}

        await look(Kafka(), [consumer], metrics)

        assert (consumer.looked, consumer.anew) == (0, 0)
        assert told(metrics) == 3

    async def test_say_which_topic_is_missing(self) -> None:
        kafka, metrics = Kafka(), Metrics()
        del kafka.there[DEPOSIT]

        with pytest.raises(UnreadInputError, match=f"{DEPOSIT} does not exist"):
            await look(kafka, [Consumer()], metrics)

        assert told(metrics) == 0

    async def test_have_partitions_that_nobody_knows_looked_for(self) -> None:
        kafka, consumer = Kafka(), Consumer()
        kafka.there[WITHDRAW] = TopicNow("id-2", 6)

        with pytest.raises(UnreadInputError, match=f"{WITHDRAW} has 6 partitions, of which 3"):
            await look(kafka, [consumer])

        assert (consumer.looked, consumer.anew) == (1, 0)

    async def test_have_one_that_was_made_again_read_anew(self) -> None:
        consumer = Consumer()
        consumer.topic_ids = {DEPOSIT: "before", WITHDRAW: "id-2"}

        with pytest.raises(UnreadInputError, match=f"{DEPOSIT} was made again"):
            await look(Kafka(), [consumer])

        assert consumer.anew == 1

    async def test_are_fine_where_nothing_is_read(self) -> None:
        await look(Kafka(), [])

    async def test_say_nothing_of_what_kafka_was_not_asked_for(self) -> None:
        consumers = list[InputConsumer]()
        metrics = Metrics()
        inputs = Inputs(Kafka(), consumers, metrics)
        await inputs.ask()
        consumers.append(Consumer())

        await inputs.compare()

        assert told(metrics) is None

    async def test_go_by_no_answer_from_before(self) -> None:
        kafka = Kafka()
        inputs = Inputs(kafka, [Consumer()], Metrics())
        await inputs.ask()
        kafka.away = True

        with pytest.raises(KafkaConnectionError):
            await inputs.ask()
        with pytest.raises(UnreadInputError, match="Kafka did not say"):
            await inputs.compare()
