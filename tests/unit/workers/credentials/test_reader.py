"""What is committed, what is paused, and when reading goes on (P4)."""

import asyncio
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import CommitFailedError, RequestTimedOutError

from tests.unit.workers.credentials.in_memory import FIRST, TOPIC, HashingInMemory
from workers.config.reader import ReaderOptions
from workers.credentials.hashing import LowPriorityPool
from workers.credentials.reader import CredentialsReader

SECOND = TopicPartition(TOPIC, 1)
DEADLINE_S = 5


class RecordingConsumer:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.cursors: dict[TopicPartition, int] = {}
        self.ours: Collection[TopicPartition] = {FIRST, SECOND}
        self.committed: list[dict[TopicPartition, int]] = []
        self.held: set[TopicPartition] = set()
        self.sought: list[tuple[TopicPartition, int]] = []
        self.error: Exception | None = None

    def assignment(self) -> Collection[TopicPartition]:
        return self.ours

    def seek(self, partition: TopicPartition, offset: int) -> None:
        self.sought.append((partition, offset))

    def set_paused(self, places: Iterable[TopicPartition]) -> None:
        self.held = set(places)

    async def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        if self.error is not None:
            raise self.error
        self.committed.append(dict(offsets))


class CredentialsReaderInMemory(HashingInMemory):
    """A reader of an assigned consumer."""

    def __init__(self, directory: Path, pool: LowPriorityPool) -> None:
        super().__init__(directory, pool)
        self.consumer = RecordingConsumer()
        options = ReaderOptions(retry_backoff_ms=20, revoke_timeout_ms=DEADLINE_S * 1000)
        self.reader = CredentialsReader(worker=self.worker, options=options)
        self.reader.membership.attach(self.consumer)
        self.reader.membership.hooks.reset_needed = False


@pytest.fixture
def in_memory(tmp_path: Path) -> Iterator[CredentialsReaderInMemory]:
    pool = LowPriorityPool("hashing", 1)
    yield CredentialsReaderInMemory(tmp_path / "keys", pool)
    pool.close()


async def test_commits_what_is_settled(in_memory: CredentialsReaderInMemory) -> None:
    await in_memory.reader.take([in_memory.waiting(4)])

    assert in_memory.consumer.committed == [{FIRST: 5}]
    assert in_memory.consumer.held == set()
    assert not in_memory.progress.busy


async def test_pauses_only_the_partition_that_waits(in_memory: CredentialsReaderInMemory) -> None:
    in_memory.credentials.broken_for = {"user-1"}
    other = in_memory.waiting(9, "user-2")
    other.partition = 1

    await in_memory.reader.take(
        [in_memory.waiting(0, "user-0"), in_memory.waiting(1, "user-1"), other]
    )

    assert in_memory.consumer.committed == [{FIRST: 1, SECOND: 10}]
    assert in_memory.consumer.sought == [(FIRST, 1)]
    assert in_memory.consumer.cursors == {FIRST: 1}
    assert in_memory.consumer.held == {FIRST}
    assert in_memory.progress.busy


async def test_goes_on_after_a_while(in_memory: CredentialsReaderInMemory) -> None:
    in_memory.credentials.away = True
    await in_memory.reader.take([in_memory.waiting(0)])
    in_memory.credentials.away = False

    async with asyncio.timeout(DEADLINE_S):
        while in_memory.consumer.held:
            await in_memory.reader.idle()
            await asyncio.sleep(0.005)
    await in_memory.reader.take([in_memory.waiting(0)])
    await in_memory.reader.idle()

    assert in_memory.consumer.committed[-1] == {FIRST: 1}
    assert in_memory.progress.waiting_for is None
    assert not in_memory.progress.busy


async def test_a_wait_is_not_over_because_nothing_else_comes(
    in_memory: CredentialsReaderInMemory,
) -> None:
    in_memory.credentials.away = True
    await in_memory.reader.take([in_memory.waiting(0)])

    await in_memory.reader.idle()

    assert in_memory.progress.busy
    assert in_memory.progress.waiting_for == "mongodb"


async def test_commits_later_when_kafka_is_away(in_memory: CredentialsReaderInMemory) -> None:
    in_memory.consumer.error = RequestTimedOutError()
    await in_memory.reader.take([in_memory.waiting(0)])
    in_memory.consumer.error = None

    await in_memory.reader.idle()

    assert in_memory.consumer.committed == [{FIRST: 1}]


async def test_starts_over_when_its_partitions_were_given_away(
    in_memory: CredentialsReaderInMemory,
) -> None:
    in_memory.consumer.error = CommitFailedError()

    await in_memory.reader.take([in_memory.waiting(0)])

    assert in_memory.reader.membership.hooks.reset_needed


async def test_commits_only_what_is_still_its_own(in_memory: CredentialsReaderInMemory) -> None:
    in_memory.consumer.ours = {SECOND}
    other = in_memory.waiting(0, "user-2")
    other.partition = 1

    await in_memory.reader.take([in_memory.waiting(0), other])

    assert in_memory.consumer.committed == [{SECOND: 1}]


async def test_takes_nothing_before_it_has_read_where_to_start(
    in_memory: CredentialsReaderInMemory,
) -> None:
    in_memory.reader.membership.hooks.reset_needed = True

    await in_memory.reader.take([in_memory.waiting(0)])

    assert in_memory.credentials.calls == {}
    assert in_memory.consumer.committed == []


async def test_finishes_the_batch_in_hand_before_it_gives_partitions_up(
    in_memory: CredentialsReaderInMemory,
) -> None:
    taking = asyncio.create_task(in_memory.reader.take([in_memory.waiting(0)]))
    await asyncio.sleep(0)  # it holds the turn now

    await in_memory.reader.membership.hooks.on_partitions_revoked([FIRST])

    assert taking.done()
    assert in_memory.consumer.committed == [{FIRST: 1}]


async def test_takes_nothing_once_it_stops(in_memory: CredentialsReaderInMemory) -> None:
    await in_memory.reader.membership.drain()

    await in_memory.reader.take([in_memory.waiting(0)])

    assert in_memory.answers.sent == []


async def test_is_out_of_its_group_as_soon_as_its_partitions_go(
    in_memory: CredentialsReaderInMemory,
) -> None:
    """And counts it, as every reader does: what waits there waits for whoever has them next."""
    in_memory.credentials.away = True
    await in_memory.reader.take([in_memory.waiting(0)])
    in_memory.progress.joined = True

    await in_memory.reader.membership.hooks.on_partitions_revoked([FIRST])

    assert (in_memory.progress.joined, in_memory.progress.busy) == (False, False)
    assert in_memory.metrics.registry.get_sample_value("accounts_rebalances_total") == 1
