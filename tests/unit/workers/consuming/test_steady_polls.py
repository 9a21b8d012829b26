"""What is fetched when: ahead while records come now and then, once for each poll of a steady stream."""

import pytest
from aiokafka import TopicPartition

from tests.unit.raw import a_raw
from workers.consuming.gathering_consumer import FRESH_MS, GatheringConsumer
from workers.consuming.hooks import Hooks
from workers.consuming.pace import Poll
from workers.monitoring.progress import Progress

MANY = 40
"""Records of a poll that make a steady stream."""
WAIT_MS = 50


class Reader(GatheringConsumer):
    """Polls what it is told, and notes whether records may be asked for meanwhile."""

    def __init__(self, *polls: int) -> None:
        super().__init__(hooks=Hooks(_nothing, _nothing, Progress("ledger")))
        self._counts = list(polls)
        self.left: list[int | None] = []
        self.fetching: list[bool] = []
        self.waits_ms: list[int] = []
        self.brokers: list[int] = []
        """How many have not answered, poll by poll."""

    def __del__(self, _warnings: object = None) -> None:
        """Leave nothing to close: it was never connected."""

    async def fetched(self, *, timeout_ms: int, max_records: int | None) -> Poll:
        self.waits_ms.append(timeout_ms)
        self.left.append(max_records)
        self.fetching.append(self.screen.fetching.is_set())
        self.screen.asked = self.brokers.pop(0) if self.brokers else 0
        count, number = self._counts.pop(0), len(self.waits_ms)
        place = TopicPartition("accounts.commands.deposit", number)
        return {place: [a_raw(offset=offset) for offset in range(count)]} if count else {}

    async def polled(self, max_records: int | None = None) -> Poll:
        return await self.gathered(WAIT_MS, max_records)


async def _nothing() -> None:
    pass


@pytest.fixture(autouse=True)
def no_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    async def at_once(_seconds: float) -> None:
        pass

    monkeypatch.setattr("workers.consuming.gathering_consumer.asyncio.sleep", at_once)


def counts(polls: list[Poll]) -> list[int]:
    return [sum(len(batch) for batch in poll.values()) for poll in polls]


class TestRecordsNowAndThen:
    async def test_are_fetched_ahead(self) -> None:
        reader = Reader(1, 0, 2)

        for _ in range(3):
            await reader.polled()
            assert reader.screen.fetching.is_set()


class TestASteadyStream:
    async def test_is_fetched_for_each_poll_and_not_ahead(self) -> None:
        reader = Reader(MANY, MANY, MANY)
        await (
            reader.polled()
        )  # shows that it is steady; what was fetched ahead is taken by the next

        ahead = list[bool]()
        for _ in range(2):
            await reader.polled()
            ahead.append(reader.screen.fetching.is_set())

        assert reader.fetching == [True, True, True]
        assert ahead == [False, False]

    @pytest.mark.parametrize("last", [0, 1, 1000], ids=["ended", "seldom", "a backlog"])
    async def test_is_fetched_ahead_again_when_it_is_none_any_more(self, last: int) -> None:
        reader = Reader(MANY, MANY, last)

        for _ in range(3):
            await reader.polled()

        assert reader.screen.fetching.is_set()

    async def test_waits_for_brokers_that_have_not_answered(self) -> None:
        reader = Reader(MANY, MANY, 5, 6)
        reader.brokers = [0, 2, 1, 0]

        polls = [await reader.polled() for _ in range(2)]

        assert counts(polls) == [MANY, MANY + 5 + 6]
        assert reader.fetching == [True, True, False, False]
        assert reader.waits_ms == [WAIT_MS, WAIT_MS, FRESH_MS, FRESH_MS]

    async def test_does_not_wait_for_one_that_says_nothing(self) -> None:
        reader = Reader(MANY, MANY, 0)
        reader.brokers = [0, 1, 1]

        polls = [await reader.polled() for _ in range(2)]

        assert counts(polls) == [MANY, MANY]

    async def test_brings_no_more_than_it_may(self) -> None:
        reader = Reader(MANY, MANY, 20)
        reader.brokers = [0, 1, 1]

        polls = [await reader.polled(60) for _ in range(2)]

        assert counts(polls) == [MANY, 60]
        assert reader.left == [60, 60, 20]
