"""What ends beside the polls of a consumer is started again, or ends the process."""

import contextlib
import gc
from collections.abc import Callable, Generator
from typing import Any

import pytest
from aiokafka.errors import KafkaError, KafkaTimeoutError

from tests.ports.kafka.clusters import MemoryCluster
from tests.ports.kafka.readers import Reader
from tests.simulation.kafka import calls
from tests.simulation.kafka.scripted import TOPICS, Scripted
from tests.simulation.network import Fate, Said, UnforeseenError
from workers.consuming import reading_watch
from workers.consuming.watched_consumer import WatchedConsumer

UNFORESEEN = Fate(done=False, said=Said.UNFORESEEN)

SESSION_MS = 500
"""Of which a fifth lies between two heartbeats."""


@pytest.fixture(autouse=True)
def nothing_left() -> Generator[None]:
    """Have asyncio say now what tasks died of.

    In the middle of another test that parses, it makes CPython 3.11 fail (`AST constructor recursion
    depth mismatch`).
    """
    yield
    gc.collect()


def errors_of(number: int) -> range:
    return range(len(calls.CALLS[number].errors))


async def a_reader(cluster: MemoryCluster) -> Reader:
    return await Reader(cluster, "group", TOPICS, session_timeout_ms=SESSION_MS).start()


async def read_all(cluster: MemoryCluster, reader: Reader) -> None:
    """Hold that whatever is sent from now on is read."""
    for number in range(3):
        for topic in TOPICS:
            await cluster.send(topic, b"%d" % number)
    records = await reader.read(6)
    for topic in TOPICS:
        assert [r.value for r in records if r.topic == topic] == [b"0", b"1", b"2"]


@pytest.mark.parametrize("said", errors_of(calls.OFFSET_FETCH))
@pytest.mark.parametrize("after", [0, 1])
async def test_after_any_error_of_committed_offsets_all_is_read(
    cluster: MemoryCluster, fates: Scripted, said: int, after: int
) -> None:
    """Both we and aiokafka ask for them; whichever comes first."""
    fates.once("fetch offsets", Fate(said=Said.ERROR, error=said), after=after)
    reader = await a_reader(cluster)

    await read_all(cluster, reader)
    await reader.stop()


@pytest.mark.parametrize("said", errors_of(calls.HEARTBEAT))
async def test_after_any_error_of_a_heartbeat_all_is_read(
    cluster: MemoryCluster, fates: Scripted, said: int
) -> None:
    reader = await a_reader(cluster)
    beats: list[str] = []
    fates.rule = lambda _, asked: (
        Fate(said=Said.ERROR, error=said)
        if asked == "heartbeat" and not beats and not beats.append(asked)
        else None
    )
    await reader.poll_until(lambda: bool(beats))

    await read_all(cluster, reader)
    await reader.poll_until(lambda: reader.hooks.assigned)
    await reader.stop()

    assert reader.progress.failed is None


DEATHS: dict[str, Callable[[Reader], object]] = {
    "fetch": lambda _: None,
    "heartbeat": lambda _: None,
    "metadata": lambda reader: reader.consumer.look_again(),
    "join group": lambda reader: reader.consumer.start_anew(),
    "list offsets": lambda reader: reader.consumer.start_anew(),
}
"""By what it dies of, and how that comes about."""


@pytest.mark.parametrize("operation", DEATHS)
async def test_after_what_nobody_foresaw_the_process_ends(
    cluster: MemoryCluster, fates: Scripted, operation: str
) -> None:
    """A part of the consumer is dead then, and polls would find nothing for ever."""
    reader = await a_reader(cluster)
    await reader.poll_until(lambda: len(reader.consumer.cursors) == len(TOPICS))
    fates.once(operation, UNFORESEEN)
    DEATHS[operation](reader)

    await cluster.send("a", b"0")
    await reader.poll_until(lambda: reader.progress.failed is not None)
    with contextlib.suppress(KafkaError, UnforeseenError):  # it says at its stop what it died of
        await reader.stop()

    assert reader.progress.failed is not None
    assert reader.progress.failed.startswith("a poll failed: ")
    assert reader.progress.halt.is_set


@pytest.mark.parametrize("after", [0, 1])
async def test_after_what_nobody_foresaw_of_committed_offsets_the_process_ends(
    cluster: MemoryCluster, fates: Scripted, after: int
) -> None:
    fates.once("fetch offsets", UNFORESEEN, after=after)
    reader = await a_reader(cluster)

    await reader.poll_until(lambda: reader.progress.failed is not None)
    with contextlib.suppress(KafkaError, UnforeseenError):
        await reader.stop()

    assert reader.progress.halt.is_set


async def test_a_start_that_nothing_would_end_raises(
    cluster: MemoryCluster, fates: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What asks for metadata has died, and everything waits for metadata."""
    monkeypatch.setattr(WatchedConsumer, "join_max_s", 0.1)
    asked: list[str] = []

    def rule(_process: str, operation: str) -> Fate | None:
        asked.append(operation)
        if operation == "metadata" and asked.count(operation) > 1:
            return UNFORESEEN
        return Fate(done=False, said=Said.ERROR) if operation == "find coordinator" else None

    fates.rule = rule
    reader = Reader(cluster, "group", TOPICS, session_timeout_ms=SESSION_MS)

    with pytest.raises(KafkaTimeoutError, match="no place in group group within"):
        await reader.start()

    with contextlib.suppress(KafkaError, UnforeseenError):
        await reader.stop()


async def test_a_broker_that_is_never_asked_again_ends_the_process(
    cluster: MemoryCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As long as aiokafka takes it for asked already, polls find nothing, and nothing is wrong."""
    monkeypatch.setattr(reading_watch, "LOOK_S", 0.05)
    monkeypatch.setattr(reading_watch, "STANDSTILL_LOOKS", 4)
    reader = await a_reader(cluster)
    await read_all(cluster, reader)
    fetcher: Any = reader.consumer._fetcher  # pyright: ignore[reportPrivateUsage]
    fetcher._in_flight = Forever(fetcher._in_flight)

    await cluster.send("a", b"3")  # which the fetch that is held brings
    await reader.read(1)
    await cluster.send("a", b"4")
    await reader.poll_until(lambda: reader.progress.failed is not None)
    await reader.stop()

    assert reader.progress.failed == "Kafka has records of a-0 that are not fetched"


class Forever(set[int]):
    """Brokers that are never done."""

    def discard(self, element: object, /) -> None:
        """Keep it."""
