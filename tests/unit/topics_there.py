"""Kafka, as far as it is asked which topics there are."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any
from uuid import UUID

ID, ANOTHER = UUID(int=1), UUID(int=2)


def a_topic(name: str, topic_id: UUID = ID, *, partitions: int = 1, code: int = 0) -> Any:
    """Return a topic as it stands in an answer; *code* is Kafka's number of what is wrong with it."""
    return (code, name, topic_id, False, [()] * partitions, 0)


@dataclass
class TopicsThere:
    """A client of aiokafka's, over which `client.topics_now` asks."""

    topics: Sequence[Any] = field(default_factory=list[Any])
    fails: Exception | None = None
    broker: int | None = 0

    def get_random_node(self) -> int | None:
        return self.broker

    async def send(self, _node_id: int, _request: object) -> Any:
        if self.fails is not None:
            raise self.fails
        return SimpleNamespace(topics=self.topics)
