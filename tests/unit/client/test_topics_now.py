"""What Kafka says of topics by their names."""

from types import SimpleNamespace

import pytest
from aiokafka.errors import (
    IncompatibleBrokerVersion,
    LeaderNotAvailableError,
    NodeNotReadyError,
)

from client.kafka import NOT_AUTHORIZED, UNKNOWN_TOPIC
from client.topics_now import TopicNow, topics_now
from tests.unit.topics_there import ANOTHER, ID, TopicsThere, a_topic

NAMES = ["deposits", "results"]


def asking(there: TopicsThere) -> object:
    return SimpleNamespace(_client=there)


class TestTopics:
    async def test_have_their_id_and_partitions(self) -> None:
        there = TopicsThere([a_topic("deposits", partitions=3), a_topic("results", ANOTHER)])

        assert await topics_now(asking(there), NAMES) == {
            "deposits": TopicNow(str(ID), 3),
            "results": TopicNow(str(ANOTHER), 1),
        }

    @pytest.mark.parametrize("code", [UNKNOWN_TOPIC, NOT_AUTHORIZED])
    async def test_are_left_out_that_are_not_there_or_may_not_be_seen(self, code: int) -> None:
        there = TopicsThere([a_topic("deposits", code=code), a_topic("results")])

        assert [*await topics_now(asking(there), NAMES)] == ["results"]

    async def test_are_not_known_where_one_is_not_ready(self) -> None:
        there = TopicsThere([a_topic("deposits", code=LeaderNotAvailableError.errno)])

        with pytest.raises(LeaderNotAvailableError, match="deposits"):
            await topics_now(asking(there), NAMES)

    async def test_are_not_known_while_no_broker_is(self) -> None:
        with pytest.raises(NodeNotReadyError):
            await topics_now(asking(TopicsThere(broker=None)), NAMES)

    async def test_have_no_ids_in_an_old_kafka(self) -> None:
        there = TopicsThere(fails=NotImplementedError())

        with pytest.raises(IncompatibleBrokerVersion, match=r"Kafka 3\.0"):
            await topics_now(asking(there), NAMES)
