"""Looks whether every topic that this process is to read is there, and read as it is now."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Protocol

from client.topics_now import TopicNow
from workers.monitoring.metrics import Metrics


class UnreadInputError(Exception):
    """Nobody reads what is sent to some topic. Says which, and what to do."""


class Topics(Protocol):
    """Knows which topics there are."""

    async def topics(self, names: Collection[str]) -> Mapping[str, TopicNow]:
        """Return those of *names* that exist."""
        ...


class InputConsumer(Protocol):
    """What is needed of `workers.consuming.consumer.CursorConsumer`."""

    topic_ids: Mapping[str, str]

    def subscribed(self) -> Collection[str]:
        """Return the topics that are to be read."""
        ...

    def known_partitions(self, topic: str) -> int:
        """Return how many partitions of *topic* can be given out."""
        ...

    def look_again(self) -> None:
        """Ask anew which partitions can be given out."""
        ...

    def start_anew(self) -> None:
        """Give all partitions back and take them again."""
        ...


class Inputs:
    """The topics that the consumers of this process read, compared with those in Kafka."""

    def __init__(self, kafka: Topics, consumers: Sequence[InputConsumer], metrics: Metrics) -> None:
        self._kafka = kafka
        self._consumers = consumers
        self._metrics = metrics
        self._now: Mapping[str, TopicNow | None] | None = None
        """What Kafka answered last, of all that it was asked for."""

    async def ask(self) -> None:
        """Ask Kafka which of the topics there are.

        Raises:
            KafkaError: Nobody answers.
        """
        self._now = None
        wanted = {topic for consumer in self._consumers for topic in consumer.subscribed()}
        found = await self._kafka.topics(sorted(wanted))
        self._now = {topic: found.get(topic) for topic in wanted}

    async def compare(self) -> None:
        """Return when all is read; a topic that was made again is read anew, and new partitions, too.

        Left to themselves, the consumers look every five minutes.

        Raises:
            UnreadInputError: Something is not read at the moment, or Kafka did not answer.
        """
        now = self._now
        if now is None:
            raise UnreadInputError("Kafka did not say which topics there are")
        for topic, there in now.items():
            self._metrics.topic_partitions.labels(topic).set(there.partitions if there else 0)
        problems = [
            problem for consumer in self._consumers for problem in self._problems(consumer, now)
        ]
        if problems:
            raise UnreadInputError("; ".join(problems))

    def _problems(
        self, consumer: InputConsumer, now: Mapping[str, TopicNow | None]
    ) -> Iterator[str]:
        anew = more = False
        # What is subscribed to since Kafka was asked is compared next time.
        for topic in sorted(now.keys() & consumer.subscribed()):
            there = now[topic]
            if there is None:
                yield f"{topic} does not exist: create it with `accounts topics apply`"
            elif consumer.topic_ids.get(topic, there.topic_id) != there.topic_id:
                yield f"{topic} was made again, and is about to be read from its beginning"
                anew = True
            elif (known := consumer.known_partitions(topic)) != there.partitions:
                yield f"{topic} has {there.partitions} partitions, of which {known} are read"
                more = True
        if more:
            consumer.look_again()
        if anew:
            consumer.start_anew()
