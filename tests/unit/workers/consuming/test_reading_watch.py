"""What never comes although it should is noticed; what has a reason to be late is not."""

from collections.abc import AsyncGenerator, Callable, Collection, Mapping

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaConnectionError

from workers.clock import Clock, told_by
from workers.consuming.reading_watch import LOOK_S, STANDSTILL_LOOKS, SUSPECT_LOOKS, ReadingWatch

DEPOSITS, OPENINGS = TopicPartition("deposit", 0), TopicPartition("open", 0)


class SteppedClock(Clock):
    """Stands still between two looks."""

    now_s = 1000.0

    def monotonic_s(self) -> float:
        return self.now_s


class Reading:
    """A consumer of two partitions that is answered nothing any more, though there is more of one."""

    join_max_s = 200.0

    def __init__(self) -> None:
        self.joins = False
        self.cursors = {DEPOSITS: 7, OPENINGS: 3}
        self.ends = {DEPOSITS: 8, OPENINGS: 3}
        self.paused: set[TopicPartition] = set()
        self.waiting: set[TopicPartition] = set()
        self.answered_ms: dict[TopicPartition, int] = {}
        self.is_away = False
        self.questions = 0

    def unread(self) -> Collection[TopicPartition]:
        return self.waiting

    def asked_for(self) -> Collection[TopicPartition]:
        return self.cursors.keys() - self.paused

    def last_poll_timestamp(self, partition: TopicPartition) -> int | None:
        return self.answered_ms.get(partition)

    async def end_offsets(
        self, partitions: Collection[TopicPartition]
    ) -> Mapping[TopicPartition, int]:
        await self.topics()
        return {tp: self.ends[tp] for tp in partitions}

    async def topics(self) -> Collection[str]:
        self.questions += 1
        if self.is_away:
            raise KafkaConnectionError
        return ()


@pytest.fixture
async def clock() -> AsyncGenerator[SteppedClock]:
    with told_by(clock := SteppedClock()):
        yield clock


async def looked(
    reading: Reading, clock: SteppedClock, looks: int, change: Callable[[int], object] = id
) -> list[str | None]:
    """Look so often, each time after a *change*; return what was said."""
    watch, said = ReadingWatch(reading), list[str | None]()
    for number in range(looks):
        clock.now_s += LOOK_S
        change(number)
        said.append(await watch.look())
    return said


NEVER = 5 * STANDSTILL_LOOKS


async def test_what_kafka_has_and_does_not_come_is_noticed(clock: SteppedClock) -> None:
    said = await looked(Reading(), clock, STANDSTILL_LOOKS + 1)

    assert said[:-1] == [None] * STANDSTILL_LOOKS
    assert said[-1] == "Kafka has records of deposit-0 that are not fetched"


@pytest.mark.usefixtures("clock")
async def test_polls_between_two_looks_are_none() -> None:
    watch = ReadingWatch(reading := Reading())

    for _ in range(NEVER):
        assert await watch.look() is None
    assert reading.questions == 0


def change_of(reading: Reading, what: str, number: int) -> None:
    """Have something be as it is where all is well."""
    match what:
        case "it is answered":
            reading.answered_ms = {DEPOSITS: number, OPENINGS: number}
        case "it is read":
            reading.cursors[DEPOSITS] = reading.ends[DEPOSITS] = number
            reading.ends[DEPOSITS] += 1
        case "it is paused":
            reading.paused = {DEPOSITS}
        case "it is paused now and then":
            reading.paused = {DEPOSITS} if number % 6 == 0 else set()
        case "others are not taken yet":
            reading.waiting = {OPENINGS}
        case "there is no more":
            reading.ends[DEPOSITS] = reading.cursors[DEPOSITS]
        case "Kafka is away":
            reading.is_away = True
        case "Kafka is away now and then":
            reading.is_away = number % 6 == 0
        case "a rebalance comes now and then":
            reading.joins = number % 6 == 0
        case _:
            raise AssertionError(what)


@pytest.mark.parametrize(
    "what",
    [
        "it is answered",
        "it is read",
        "it is paused",
        "it is paused now and then",
        "others are not taken yet",
        "there is no more",
        "Kafka is away",
        "Kafka is away now and then",
        "a rebalance comes now and then",
    ],
)
async def test_nothing_is_noticed_where(clock: SteppedClock, what: str) -> None:
    reading = Reading()

    said = await looked(reading, clock, NEVER, lambda number: change_of(reading, what, number))

    assert said == [None] * NEVER


async def test_nobody_is_asked_while_fetches_are_answered(clock: SteppedClock) -> None:
    reading = Reading()

    def answered_often(number: int) -> None:
        reading.answered_ms = dict.fromkeys(reading.cursors, number // SUSPECT_LOOKS)

    await looked(reading, clock, NEVER, answered_often)

    assert reading.questions == 0


async def test_who_is_not_taken_in_any_more_is_noticed(clock: SteppedClock) -> None:
    reading = Reading()
    reading.joins = True
    looks = int(reading.join_max_s / LOOK_S)

    said = await looked(reading, clock, looks)

    assert said[:-1] == [None] * (looks - 1)
    assert said[-1] == "no place in its group within 200 s"


async def test_who_waits_for_kafka_to_be_taken_in_is_not(clock: SteppedClock) -> None:
    reading = Reading()
    reading.joins = reading.is_away = True

    assert await looked(reading, clock, 200) == [None] * 200
