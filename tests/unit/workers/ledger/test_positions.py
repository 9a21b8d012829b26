"""How far was read, and how far that may be committed (P4)."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import cast

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaConnectionError

from contracts import topics
from handlers.ledger.finality import PartitionPosition
from tests.received import SKEW_MS, TOPICS
from tests.unit.raw import a_raw
from workers.consuming.consumer import CursorConsumer
from workers.consuming.records import Raw
from workers.ledger.end_offsets import EndOffsets
from workers.ledger.intake import Taken
from workers.ledger.positions import Positions

DEPOSIT = TopicPartition("accounts.commands.deposit", 3)
WITHDRAW = TopicPartition("accounts.commands.withdraw", 3)


class Cursors:
    """A consumer that only knows how far it is."""

    def __init__(self, cursors: Mapping[TopicPartition, int]) -> None:
        self.cursors = dict(cursors)
        self.undecodable: set[TopicPartition] = set()
        self.settled: list[TopicPartition] = []

    async def committed_or_zero(self, tp: TopicPartition) -> int:
        return 40 + tp.partition

    async def settle_cursors(self, places: Sequence[TopicPartition]) -> None:
        self.settled += places


class Ends:
    """End offsets, unless Kafka is away or slow."""

    def __init__(self, error: Exception | None = None, wait_s: float = 0) -> None:
        self.asked: list[Sequence[TopicPartition]] = []
        self._error = error
        self._wait_s = wait_s

    async def ask(self, places: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]:
        self.asked.append(places)
        await asyncio.sleep(self._wait_s)
        if self._error is not None:
            raise self._error
        return {tp: 100 + tp.partition for tp in places}


def positions(ends: Ends | None = None) -> Positions:
    return Positions(TOPICS, cast("EndOffsets", ends or Ends()), clock_skew_ms=SKEW_MS)


def taken(records: Sequence[Raw], cursors: Mapping[TopicPartition, int]) -> Taken:
    return Taken(records=records, cursors=cursors)


def consumer(cursors: Cursors) -> CursorConsumer:
    return cast("CursorConsumer", cursors)


class TestPositions:
    def test_are_behind_the_last_record_taken(self) -> None:
        known = positions()

        known.take_in(taken([a_raw(offset=7), a_raw(offset=8)], {DEPOSIT: 9}), ())

        assert known.ours == {
            ("accounts.commands.deposit", 3): PartitionPosition(
                cursor=9, last_timestamp_ms=1_893_456_000_123
            )
        }

    def test_follow_control_records_and_partitions_that_brought_nothing(self) -> None:
        known = positions()

        known.take_in(taken([a_raw(offset=7)], {DEPOSIT: 12, WITHDRAW: 5}), {WITHDRAW})

        assert known.ours["accounts.commands.deposit", 3].cursor == 12
        assert known.ours["accounts.commands.deposit", 3].last_timestamp_ms > 0
        assert known.ours["accounts.commands.withdraw", 3] == PartitionPosition(
            cursor=5, undecodable=True
        )

    def test_commit_up_to_what_waits_and_only_what_has_moved(self) -> None:
        known, cursors = positions(), {DEPOSIT: 12, WITHDRAW: 5}

        first = known.committable(cursors, {("accounts.commands.withdraw", 3): 2})
        known.committed(first)
        second = known.committable(cursors, {("accounts.commands.withdraw", 3): 2})
        third = known.committable(cursors, {})

        assert first == {DEPOSIT: 12, WITHDRAW: 2}
        assert (second, third) == ({}, {WITHDRAW: 5})

    def test_start_over_with_nothing(self) -> None:
        known, cursors = positions(), {DEPOSIT: 12}
        known.take_in(taken([a_raw()], cursors), ())
        known.committed({DEPOSIT: 12})

        known.forget()

        assert known.ours == {}
        assert known.committable(cursors, {}) == {DEPOSIT: 12}


class TestAskEnds:
    async def test_asks_for_every_topic_of_a_number_once_in_a_cycle(self) -> None:
        ends, cursors = Ends(), Cursors({DEPOSIT: 12})
        known = positions(ends)

        for numbers in ({3}, {3}, {3, 4}):
            await known.fetch_end_offsets(consumer(cursors), numbers, timeout_ms=1000)

        assert [{tp.partition for tp in places} for places in ends.asked] == [{3}, {4}]
        assert {tp.topic for tp in ends.asked[0]} == set(TOPICS)
        reading = known.reading({})
        assert reading.asked == {n: dict.fromkeys(TOPICS, 100 + n) for n in (3, 4)}

    async def test_asks_the_group_where_a_partition_is_not_ours(self) -> None:
        known = positions()

        await known.fetch_end_offsets(consumer(Cursors({DEPOSIT: 12})), {3}, timeout_ms=1000)

        committed = known.reading({}).committed
        assert ("accounts.commands.deposit", 3) not in committed
        assert committed["accounts.commands.withdraw", 3] == 43
        assert len(committed) == len(topics.ORDERED) - 1

    async def test_asks_anew_in_the_next_cycle(self) -> None:
        ends = Ends()
        known = positions(ends)
        await known.fetch_end_offsets(consumer(Cursors({})), {3}, timeout_ms=1000)

        known.begin_cycle()

        assert known.reading({}).asked == {}
        await known.fetch_end_offsets(consumer(Cursors({})), {3}, timeout_ms=1000)
        assert len(ends.asked) == 2

    @pytest.mark.parametrize(
        "ends", [Ends(KafkaConnectionError("away")), Ends(wait_s=5)], ids=["away", "slow"]
    )
    async def test_lets_refusals_wait_where_no_answer_comes(self, ends: Ends) -> None:
        known = positions(ends)

        await known.fetch_end_offsets(consumer(Cursors({DEPOSIT: 12})), {3}, timeout_ms=20)

        assert known.reading({}).asked == {}
