"""Which sessions a gateway refuses, through repeats, restarts of Kafka and records that are none."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import cast

import pytest
from aiokafka.errors import ConsumerStoppedError, KafkaTimeoutError

from client import revocations as following
from client.errors import TopicReplacedError, UnreachableError
from client.kafka import Record
from client.reader import Reader, Start
from client.revocations import Revocations, RevocationsUnknownError
from contracts import topics
from contracts.message import rfc3339
from contracts.topics import TopicSpec
from tests.unit.records import a_record
from tests.unit.sealed import NOON


def a_revocation(session_id: str = "s-1", *, expires_in_s: int = 60) -> Record:
    body: Mapping[str, object] = {
        "session_id": session_id,
        "username": "alice",
        "reason": "logout",
        "revoked_at": rfc3339(NOON),
        "expires_at": rfc3339(NOON + timedelta(seconds=expires_in_s)),
    }
    return a_record(body, key=session_id.encode())


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


class Topic:
    """The topic of revocations: what is kept, what comes, and whether Kafka answers."""

    def __init__(self, *kept: Record) -> None:
        self.kept = [*kept]
        self.coming: asyncio.Queue[Record | BaseException] = asyncio.Queue()
        self.away: list[Exception] = []
        self.unanswered: Exception | None = None
        self.opened: list[tuple[TopicSpec, Start]] = []

    @asynccontextmanager
    async def reader(self, topic: TopicSpec, start: Start) -> AsyncGenerator[Reader]:
        self.opened.append((topic, start))
        if self.away:
            raise self.away.pop(0)
        yield cast("Reader", OpenTopic(self))


class OpenTopic:
    """What an open reader does, as far as it is used."""

    def __init__(self, topic: Topic) -> None:
        self._topic = topic
        self._read = 0

    async def poll(self) -> Sequence[Record]:
        if self._read < len(self._topic.kept):
            self._read += 1
            return [self._topic.kept[self._read - 1]]
        came = await self._topic.coming.get()
        if isinstance(came, BaseException):
            raise came
        return [came]

    async def fetch_end_offsets(self) -> None:
        if self._topic.unanswered is not None:
            raise self._topic.unanswered

    async def caught_up(self) -> bool:
        return self._read >= len(self._topic.kept)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "REOPEN_S", 0.01)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.001)


async def until_revoked(revocations: Revocations, session_id: str) -> None:
    await until(lambda: revocations.is_revoked(session_id))


class TestReceive:
    def test_notes_an_ended_session(self) -> None:
        revocations = Revocations(Topic(), now=Clock())

        revocations.receive(a_revocation("s-1"))

        assert revocations.is_revoked("s-1")
        assert not revocations.is_revoked("s-2")

    @pytest.mark.parametrize(("expires_in_s", "kept"), [(-1, 0), (0, 0), (1, 1)])
    def test_keeps_nothing_whose_tokens_have_expired(self, expires_in_s: int, kept: int) -> None:
        revocations = Revocations(Topic(), now=Clock())

        revocations.receive(a_revocation(expires_in_s=expires_in_s))

        assert len(revocations) == kept

    @pytest.mark.parametrize("value", [None, b"", b"{", b"{}"], ids=repr)
    def test_goes_on_after_a_record_that_says_nothing(self, value: bytes | None) -> None:
        revocations = Revocations(Topic(), now=Clock())

        revocations.receive(a_record(value=value))
        revocations.receive(a_revocation("s-1"))

        assert revocations.is_revoked("s-1")


class TestForgetExpired:
    def test_drops_each_at_its_own_time(self) -> None:
        clock = Clock()
        revocations = Revocations(Topic(), now=clock)
        for session_id, expires_in_s in (("late", 90), ("soon", 30), ("soon", 30), ("mid", 60)):
            revocations.receive(a_revocation(session_id, expires_in_s=expires_in_s))

        left: list[int] = []
        for seconds in (29, 30, 60, 90):
            clock.now = NOON + timedelta(seconds=seconds)
            revocations.forget_expired()
            left.append(len(revocations))

        assert left == [3, 2, 1, 0]


class TestFollowing:
    async def test_knows_all_that_is_kept_once_caught_up(self) -> None:
        topic = Topic(a_revocation("s-1"), a_revocation("s-2"))

        async with Revocations(topic, now=Clock()) as revocations:
            topic.coming.put_nowait(a_revocation("s-3"))
            await revocations.wait_until_caught_up()

            assert revocations.is_current
            assert revocations.is_revoked("s-1")
            assert revocations.is_revoked("s-2")
        assert topic.opened == [(topics.REVOCATIONS, "beginning")]

    async def test_hears_of_what_comes(self) -> None:
        topic = Topic()

        async with Revocations(topic, now=Clock()) as revocations:
            topic.coming.put_nowait(a_revocation("s-9"))

            await until_revoked(revocations, "s-9")

    async def test_waits_for_a_kafka_that_is_away_and_keeps_what_it_knew(self) -> None:
        topic = Topic(a_revocation("s-1"))
        topic.away = [UnreachableError("gone")]

        async with Revocations(topic, now=Clock()) as revocations:
            await until_revoked(revocations, "s-1")
            topic.away = [UnreachableError("gone again")]
            topic.coming.put_nowait(ConsumerStoppedError())
            topic.coming.put_nowait(a_revocation("s-2"))
            await until_revoked(revocations, "s-2")

            assert revocations.is_revoked("s-1")
            assert revocations.is_current
        assert len(topic.opened) == 4

    async def test_says_what_is_in_the_way(self) -> None:
        topic = Topic()
        topic.away = [UnreachableError("no Kafka at :9")] * 1000

        async with Revocations(topic, now=Clock()) as revocations:
            with pytest.raises(RevocationsUnknownError, match=r"within 0\.05 s: no Kafka at :9"):
                await revocations.wait_until_caught_up(0.05)

            assert not revocations.is_current

    async def test_notices_a_kafka_that_went_away_in_silence(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(following, "ASK_ENDS_S", 0.0)
        topic = Topic()

        async with Revocations(topic, now=Clock()) as revocations:
            topic.coming.put_nowait(a_revocation("s-1"))
            await revocations.wait_until_caught_up()
            topic.unanswered = KafkaTimeoutError()
            topic.away = [UnreachableError("gone")] * 1000
            topic.coming.put_nowait(a_revocation("s-2"))
            await until_revoked(revocations, "s-2")
            await asyncio.sleep(0)

            assert not revocations.is_current
            assert revocations.is_revoked("s-1")

    async def test_is_not_current_before_it_follows(self) -> None:
        assert not Revocations(Topic(), now=Clock()).is_current

    @pytest.mark.parametrize("error", [ZeroDivisionError(), asyncio.CancelledError()])
    async def test_is_not_current_once_it_follows_no_more(
        self, error: BaseException, caplog: pytest.LogCaptureFixture
    ) -> None:
        topic = Topic()

        async with Revocations(topic, now=Clock()) as revocations:
            topic.coming.put_nowait(a_revocation("s-1"))
            await revocations.wait_until_caught_up()
            assert revocations.is_current
            topic.coming.put_nowait(error)
            await until(lambda: not revocations.is_current)

            assert "no longer followed" in caplog.text

    async def test_is_not_current_while_a_reader_hangs(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(following, "CURRENT_MAX_S", 0.2)
        monkeypatch.setattr(following, "ASK_ENDS_S", 0.0)
        topic = Topic()

        async with Revocations(topic, now=Clock()) as revocations:
            topic.coming.put_nowait(a_revocation("s-1"))
            await revocations.wait_until_caught_up()
            assert revocations.is_current
            await until(lambda: not revocations.is_current)

            topic.coming.put_nowait(a_revocation("s-2"))
            await until(lambda: revocations.is_current)

    async def test_reads_anew_where_the_topic_was_made_again(self) -> None:
        topic = Topic(a_revocation("s-1"))

        async with Revocations(topic, now=Clock()) as revocations:
            await revocations.wait_until_caught_up()
            topic.kept.append(a_revocation("s-2"))
            topic.coming.put_nowait(TopicReplacedError("accounts.state.revocations"))
            await until(lambda: not revocations.is_current)
            await until_revoked(revocations, "s-2")

            assert revocations.is_current
        assert len(topic.opened) == 2
