"""How partitions are shared out, and taken away."""

# aiokafka annotates only a part of its interface:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

import asyncio
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import CommitFailedError, IllegalStateError

from tests.ports.kafka.clusters import Cluster
from tests.ports.kafka.conftest import Readers
from workers.consuming.consumer import ANOTHER_RELEASE

pytestmark = pytest.mark.asyncio


async def test_two_members_have_the_same_numbers_of_all_topics(
    cluster: Cluster, name: str, readers: Readers
) -> None:
    topics = [f"{name}-a", f"{name}-b"]
    for topic in topics:
        await cluster.create(topic, 2)
    one = await readers(*topics)
    every = [TopicPartition(topic, number) for topic in topics for number in (0, 1)]
    await one.poll_until(lambda: one.has(*every))

    other, _ = await asyncio.gather(readers(*topics), one.poll_until(lambda: one.revoked == 1))
    await one.poll_until(lambda: len(one.consumer.cursors) == 2, other)
    await one.poll_until(lambda: len(other.consumer.cursors) == 2, other)

    numbers = [{tp.partition for tp in reader.consumer.cursors} for reader in (one, other)]
    assert sorted(map(sorted, numbers)) == [[0], [1]]
    assert one.consumer.cursors.keys() | other.consumer.cursors.keys() == set(every)


async def test_who_gives_partitions_back_may_still_commit(
    cluster: Cluster, name: str, readers: Readers
) -> None:
    await cluster.create(name, 2)
    await cluster.send(name, b"0")
    one = await readers(commits_when_revoked=True)
    await one.read(1)

    other, _ = await asyncio.gather(readers(), one.poll_until(lambda: one.revoked == 1))
    await one.poll_until(lambda: len(other.consumer.cursors) == 1, other)

    assert await one.consumer.committed(TopicPartition(name, 0)) == 1


async def test_who_stops_leaves_all_to_the_other_and_is_not_asked_to_give_it_back(
    cluster: Cluster, name: str, readers: Readers
) -> None:
    await cluster.create(name, 2)
    one = await readers()
    other, _ = await asyncio.gather(readers(), one.poll_until(lambda: one.revoked == 1))
    await one.poll_until(lambda: len(other.consumer.cursors) == 1, other)

    await one.stop()
    both = [TopicPartition(name, number) for number in (0, 1)]
    await other.poll_until(lambda: other.has(*both))

    assert one.revoked == 1


async def test_a_member_of_an_earlier_generation_commits_nothing(
    cluster: Cluster, topic: str, readers: Readers
) -> None:
    await cluster.send(topic, b"0")
    reader, tp = await readers(), TopicPartition(topic, 0)
    await reader.read(1)
    coordinator: Any = vars(reader.consumer)["_coordinator"]

    coordinator.generation -= 1
    with pytest.raises(CommitFailedError):
        await reader.consumer.commit({tp: 1})
    await reader.read(1)  # it has joined anew

    assert await reader.consumer.committed(tp) is None


async def test_a_partition_that_is_not_ours_cannot_be_committed(
    cluster: Cluster, topic: str, readers: Readers
) -> None:
    del cluster
    reader = await readers()

    with pytest.raises(IllegalStateError):
        await reader.consumer.commit({TopicPartition(topic, 7): 1})


async def test_one_that_shares_out_in_another_way_is_not_let_in(
    cluster: Cluster, topic: str, readers: Readers
) -> None:
    await cluster.send(topic, b"0")
    one = await readers()
    await one.read(1)

    other = await readers(assignor=RangePartitionAssignor)
    await one.poll_until(lambda: other.progress.halt.is_set, other)

    assert other.progress.halt.reason == f"suite: {ANOTHER_RELEASE}" or (
        ANOTHER_RELEASE in (other.progress.halt.reason or "")
    )
    assert one.revoked == 0


async def test_starting_anew_reads_again_from_what_is_committed(
    cluster: Cluster, topic: str, readers: Readers
) -> None:
    await cluster.send(topic, b"0")
    reader = await readers()
    await reader.read(1)

    reader.consumer.start_anew()

    assert [record.value for record in await reader.read(1)] == [b"0"]
    assert reader.revoked == 1
