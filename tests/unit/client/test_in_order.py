"""P5: an account's events in order, although they come from two partitions."""

from collections.abc import Mapping, Sequence

import orjson
import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaConnectionError

from client import in_order
from client.errors import SequenceGapError
from client.in_order import InOrder
from client.received import Received, received
from client.sequences import Sequences
from contracts.entries import Entry
from handlers.wire.rendering import Rendering
from tests.builders import an_outcome
from tests.unit.records import a_record

PLACE = TopicPartition("accounts.events.balance", 3)


class Reading:
    """How far a topic was read, and how far it reaches."""

    def __init__(self) -> None:
        self.read = 0
        self.end = 0
        self.away = False

    async def ends_now(self) -> Mapping[TopicPartition, int]:
        if self.away:
            raise KafkaConnectionError
        return {PLACE: self.end}

    async def has_passed(self, ends: Mapping[TopicPartition, int]) -> bool:
        return self.read >= ends[PLACE]


def an_event(sequence: int, username: str = "alice") -> Received[Entry]:
    value = Rendering(an_outcome(username, sequence=sequence)).balance_event().value
    return received(a_record(orjson.loads(value)), Entry)


def taken(ordered: InOrder, *sequences: int, username: str = "alice") -> Sequence[int]:
    return [
        event.message.sequence
        for sequence in sequences
        for event in ordered.take(an_event(sequence, username))
    ]


@pytest.fixture
def reading() -> Reading:
    return Reading()


@pytest.fixture
def ordered(reading: Reading) -> InOrder:
    return InOrder(reading, Sequences({"alice": 3}, complete=True))


class TestInOrder:
    def test_hands_on_what_comes_in_order_and_drops_repeats(self, ordered: InOrder) -> None:
        assert taken(ordered, 3, 4, 4, 5, 3) == [4, 5]

    def test_holds_back_what_comes_before_an_earlier_one(self, ordered: InOrder) -> None:
        assert taken(ordered, 6, 5) == []
        assert taken(ordered, 5, 4) == [4, 5, 6]
        assert taken(ordered, 7) == [7]

    def test_holds_nothing_of_others_back(self, ordered: InOrder) -> None:
        assert taken(ordered, 6) == []
        assert taken(ordered, 1, 2, username="bobby") == [1, 2]

    async def test_waits_as_long_as_the_earlier_one_may_still_be_read(
        self, reading: Reading, ordered: InOrder
    ) -> None:
        reading.end = 10
        taken(ordered, 5)

        await ordered.settle()
        reading.read = 9
        await ordered.settle()

        assert taken(ordered, 4) == [4, 5]
        reading.read = 10
        await ordered.settle()

    async def test_says_what_is_missing_once_all_was_read(
        self, reading: Reading, ordered: InOrder
    ) -> None:
        reading.end = 10
        taken(ordered, 5, 6)
        await ordered.settle()
        reading.read = 10

        with pytest.raises(SequenceGapError) as gap:
            await ordered.settle()

        assert (gap.value.username, gap.value.last, gap.value.found) == ("alice", 3, 5)

    async def test_a_second_gap_is_measured_anew(self, reading: Reading, ordered: InOrder) -> None:
        reading.end = 10
        taken(ordered, 5, 8)
        await ordered.settle()
        reading.read, reading.end = 10, 20

        assert taken(ordered, 4) == [4, 5]
        await ordered.settle()
        assert taken(ordered, 6, 7) == [6, 7, 8]

    async def test_goes_on_while_kafka_is_away(self, reading: Reading, ordered: InOrder) -> None:
        reading.away = True
        taken(ordered, 5)

        await ordered.settle()

        assert taken(ordered, 4) == [4, 5]

    def test_holds_no_more_than_it_may(
        self, ordered: InOrder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(in_order, "HELD_MAX", 3)

        assert taken(ordered, 6, 7, 5, 4) == [4, 5, 6, 7]
        assert taken(ordered, 9, 10, 11) == []
        with pytest.raises(SequenceGapError):
            taken(ordered, 12)
