"""What goes wrong between a process and the brokers, and what becomes of it."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError

from tests.ports.kafka.clusters import MemoryCluster
from tests.ports.kafka.readers import Reader
from tests.simulation.kafka import calls
from tests.simulation.kafka.scripted import LED_BY_THE_SAME, TOPICS, Scripted
from tests.simulation.network import PROCESS, Fate, Said, UnforeseenError
from workers.kafka.publishing import Outgoing, Publisher, PublishError
from workers.monitoring.metrics import Metrics

NOTHING = Fate(done=False, said=Said.NEVER)


@contextmanager
def running(process: str) -> Generator[None]:
    """Let what is started in the block belong to *process*."""
    token = PROCESS.set(process)
    try:
        yield
    finally:
        PROCESS.reset(token)


def a_publisher(cluster: MemoryCluster, deadline_ms: int = 2000) -> Publisher:
    return Publisher({}, deadline_ms=deadline_ms, metrics=Metrics(), clients=cluster.clients)


def a_record(value: bytes, topic: str = "a") -> Outgoing:
    return Outgoing(topic, b"key", value, [])


def values(cluster: MemoryCluster, topic: str = "a") -> list[bytes | None]:
    return [record.value for record in cluster.kafka.records(topic)]


async def test_a_lost_acknowledgement_writes_nothing_twice(
    cluster: MemoryCluster, fates: Scripted
) -> None:
    publisher = a_publisher(cluster)
    fates.once("produce", Fate(said=Said.ERROR))

    await publisher.publish([a_record(b"0"), a_record(b"1")])
    await publisher.publish([a_record(b"2")])
    await publisher.stop()

    assert values(cluster) == [b"0", b"1", b"2"]


async def test_what_never_arrived_is_sent_again(cluster: MemoryCluster, fates: Scripted) -> None:
    publisher = a_publisher(cluster)
    fates.once("produce", Fate(done=False, said=Said.ERROR))

    await publisher.publish([a_record(b"0")])
    await publisher.stop()

    assert values(cluster) == [b"0"]


async def test_what_was_given_up_may_arrive_after_what_came_instead(
    cluster: MemoryCluster, fates: Scripted
) -> None:
    publisher = a_publisher(cluster, deadline_ms=200)
    await publisher.publish([a_record(b"first")])
    fates.once("produce", Fate(before_s=0.5))

    with pytest.raises(PublishError):
        await publisher.publish([a_record(b"late")])
    await publisher.publish([a_record(b"instead")])
    await publisher.stop()
    async with asyncio.timeout(10):
        while cluster.kafka.log("a", 0).end < 3:  # noqa: ASYNC110 - nobody is told
            await asyncio.sleep(0.01)

    assert values(cluster) == [b"first", b"instead", b"late"]


@pytest.mark.parametrize("said", range(len(calls.CALLS[calls.PRODUCE].errors)))
@pytest.mark.parametrize("done", [True, False])
async def test_after_any_error_all_can_be_published_again(
    cluster: MemoryCluster, fates: Scripted, said: int, *, done: bool
) -> None:
    publisher = a_publisher(cluster)
    fates.once("produce", Fate(done=done, said=Said.ERROR, error=said))

    for _ in range(2):  # again, as a cycle is
        try:
            await publisher.publish([a_record(b"0"), a_record(b"1")])
            break
        except PublishError:
            pass
    await publisher.publish([a_record(b"2")])
    await publisher.stop()

    assert values(cluster)[-3:] == [b"0", b"1", b"2"]


@pytest.mark.parametrize("operation", ["metadata", "init producer id", "produce"])
@pytest.mark.parametrize("after", [0, 1])
async def test_after_what_nobody_foresaw_all_can_be_published_again(
    cluster: MemoryCluster, fates: Scripted, operation: str, after: int
) -> None:
    """What has died in a producer is gone with it: the next try has another one."""
    publisher = a_publisher(cluster, deadline_ms=500)
    fates.once(operation, Fate(done=False, said=Said.UNFORESEEN), after=after)

    for value in (b"0", b"1"):
        async with asyncio.timeout(30):
            while True:
                try:
                    await publisher.publish([a_record(value)])
                    break
                except (PublishError, UnforeseenError):
                    pass
    await publisher.stop()

    assert list(dict.fromkeys(values(cluster))) == [b"0", b"1"]


async def test_what_is_damaged_on_its_way_costs_no_record(
    cluster: MemoryCluster, fates: Scripted
) -> None:
    topics = (TOPICS[0], LED_BY_THE_SAME)
    for number in range(3):
        for topic in topics:
            await cluster.send(topic, b"%d" % number)
    corrupt = len(calls.TRANSPORT)  # the first of those that are not the transport's
    fates.once("fetch", Fate(said=Said.ERROR, error=corrupt))
    reader = await Reader(cluster, "group", topics).start()

    records = await reader.read(6)
    await reader.stop()

    for topic in topics:
        assert [r.value for r in records if r.topic == topic] == [b"0", b"1", b"2"]


@pytest.mark.parametrize("said", range(len(calls.CALLS[calls.FETCH].errors)))
async def test_after_any_error_of_a_fetch_all_is_read(
    cluster: MemoryCluster, fates: Scripted, said: int
) -> None:
    reader = await Reader(cluster, "group", TOPICS).start()
    for number in range(3):
        for topic in TOPICS:
            await cluster.send(topic, b"%d" % number)
    fates.once("fetch", Fate(said=Said.ERROR, error=said))

    records = await reader.read(6)
    await reader.stop()

    for topic in TOPICS:
        assert [r.value for r in records if r.topic == topic] == [b"0", b"1", b"2"]


@pytest.mark.parametrize("said", range(len(calls.CALLS[calls.OFFSET_COMMIT].errors)))
async def test_a_commit_is_done_or_raises(
    cluster: MemoryCluster, fates: Scripted, said: int
) -> None:
    await cluster.send("a", b"0")
    reader, tp = await Reader(cluster, "group", TOPICS).start(), TopicPartition("a", 0)
    await reader.read(1)
    fates.once("commit offsets", Fate(done=False, said=Said.ERROR, error=said))

    refused = False
    try:
        await reader.consumer.commit({tp: 1})
    except Exception:  # noqa: BLE001 - whichever
        refused = True
    committed = cluster.kafka.group("group").offsets.get(("a", 0))
    await reader.stop()

    assert (committed is None) == refused


async def test_one_topics_records_may_come_before_earlier_ones_of_another(
    cluster: MemoryCluster, fates: Scripted
) -> None:
    reader = await Reader(cluster, "group", TOPICS).start()
    await reader.poll_until(lambda: len(reader.consumer.cursors) == 2)
    fates.once("fetch", Fate(after_s=0.2))

    await cluster.send("a", b"first")
    await asyncio.sleep(0.01)
    await cluster.send("b", b"second")
    records = await reader.read(2)
    await reader.stop()

    assert [record.value for record in records] == [b"second", b"first"]


async def test_who_is_silent_too_long_is_replaced_and_commits_nothing_any_more(
    cluster: MemoryCluster, fates: Scripted
) -> None:
    await cluster.send("a", b"0")
    tp = TopicPartition("a", 0)
    with running("silent"):
        silent = await Reader(cluster, "group", TOPICS, session_timeout_ms=400).start()
        await silent.read(1)
    fates.rule = lambda process, operation: (
        NOTHING if process == "silent" and operation != "commit offsets" else None
    )

    with running("other"):
        other = await Reader(cluster, "group", TOPICS, session_timeout_ms=400).start()
        assert [record.value for record in await other.read(1)] == [b"0"]
    with running("silent"), pytest.raises((CommitFailedError, IllegalStateError)):
        await silent.consumer.commit({tp: 1})
    assert cluster.kafka.group("group").offsets == {}
    fates.rule = lambda _process, _operation: None
    for reader in (other, silent):
        await reader.stop()
