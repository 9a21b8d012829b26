"""A reader of requests with everything around it in reach, for tests."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence

import orjson
from aiokafka import TopicPartition

from contracts.codes import Code
from contracts.requests import QUERIES
from contracts.topics import GET_BALANCE
from handlers.model.input_records import RequestRecord
from handlers.model.refused import Refused
from handlers.wire.replying import reply, reply_body
from tests.received import PREFIX
from tests.unit.raw import a_raw
from tests.unit.sealed import NOON
from workers.config.reader import ReaderOptions
from workers.consuming.records import Raw
from workers.kafka.publishing import Outgoing, Publisher, PublishError
from workers.kafka.replies import AddressedAnswer, Replies
from workers.monitoring.corrupt import CorruptDocuments
from workers.monitoring.metrics import Metrics
from workers.monitoring.progress import Progress
from workers.requests.answering import AnsweredRequest
from workers.requests.reader import RequestReader

PLACE = TopicPartition(PREFIX + GET_BALANCE.name, 3)
OTHER = TopicPartition(PREFIX + GET_BALANCE.name, 4)
HERS = "accounts.replies.hers"
PATIENCE_S = 5.0


class EventLog:
    """What happened, in order."""

    def __init__(self) -> None:
        self.lines: list[str] = []


class TellingPublisher(Publisher):
    """Tells what it was given, unless it is to fail first."""

    def __init__(self, story: EventLog) -> None:
        super().__init__({}, deadline_ms=1000, metrics=Metrics())
        self.records: list[Outgoing] = []
        self.handed: list[str] = []
        """Topics of all that was to be published, acknowledged or not."""
        self.failures = 0
        self.error: Exception | None = None
        self.open = asyncio.Event()
        self.open.set()
        self._story = story

    async def publish(self, records: Sequence[Outgoing]) -> None:
        if not records:
            return
        self.handed += [record.topic.removeprefix(PREFIX) for record in records]
        await self.open.wait()
        if self.error is not None:
            raise self.error
        if self.failures:
            self.failures -= 1
            self._story.lines.append("publishing failed")
            raise PublishError("told to fail")
        await asyncio.sleep(0)
        self.records += records
        topics = (record.topic.removeprefix(PREFIX) for record in records)
        self._story.lines += [f"acknowledged on {topic}" for topic in topics]


class TellingReplies(Replies):
    """Tells what it delivers; to a topic that is missing it delivers nothing."""

    def __init__(self, publisher: Publisher, story: EventLog) -> None:
        super().__init__({}, publisher, allowed=".*", timeout_ms=1000, retry_s=30)
        self.delivered: list[AddressedAnswer] = []
        self._story = story

    async def deliver(self, replies: Sequence[AddressedAnswer]) -> Sequence[Outgoing]:
        mine = [each for each in replies if each.to == HERS]
        self.delivered += mine
        self._story.lines += [f"delivered to {each.to.removeprefix(PREFIX)}" for each in mine]
        return [each.answer for each in replies if each.to != HERS]


class RecordingConsumer:
    """Remembers what it was told."""

    def __init__(self, story: EventLog) -> None:
        self.cursors: dict[TopicPartition, int] = {PLACE: 0}
        self.ours: Collection[TopicPartition] = {PLACE, OTHER}
        self.committed: list[dict[TopicPartition, int]] = []
        self.stays = 0
        self.errors: list[Exception] = []
        self._story = story

    def assignment(self) -> Collection[TopicPartition]:
        return self.ours

    async def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        if self.errors:
            raise self.errors.pop(0)
        self.committed.append(dict(offsets))
        self._story.lines.append("committed")

    async def keep_membership(self) -> None:
        self.stays += 1


class TellingAnswerer:
    """Accepts everything but what `fails` raises on; publishes beside what `beside` returns."""

    batch_records_max = 100

    def __init__(self, story: EventLog) -> None:
        self.batches: list[list[str]] = []
        self.fails: Callable[[RequestRecord], None] = lambda _: None
        self.refused: Code | None = None
        self.padding: dict[str, int] = {}
        """Request id → the least length of its reply."""
        self.beside: Sequence[Outgoing] = ()
        self.open = asyncio.Event()
        self.open.set()
        self._story = story

    async def answer(self, asked: Sequence[RequestRecord]) -> Sequence[AnsweredRequest]:
        self.batches.append([each.request.request_id for each in asked])
        await self.open.wait()
        for each in asked:
            self.fails(each)
        self._story.lines.append("answered")
        return [self._said(each) for each in asked]

    def _said(self, asked: RequestRecord) -> AnsweredRequest:
        code = self.refused
        body = reply_body(asked, Refused(code=code, detail="no") if code else {}, NOON)
        wanted = self.padding.get(asked.request.request_id, len(body))
        body = body.ljust(wanted)
        return AnsweredRequest(
            asked=asked,
            reply=reply(asked, body, NOON),
            status="rejected" if code else "accepted",
            code=code.value if code else "",
            beside=self.beside,
        )


class RequestsInMemory:
    """A reader of an assigned consumer."""

    def __init__(self) -> None:
        self.story = EventLog()
        self.publisher = TellingPublisher(self.story)
        self.replies = TellingReplies(self.publisher, self.story)
        self.consumer = RecordingConsumer(self.story)
        self.answerer = TellingAnswerer(self.story)
        self.metrics = Metrics()
        self.progress = Progress("queries")
        self.reader = RequestReader(
            self.answerer,
            group="accounts-queries",
            topics=QUERIES,
            prefix=PREFIX,
            publisher=self.publisher,
            replies=self.replies,
            metrics=self.metrics,
            corrupt=CorruptDocuments(self.metrics),
            progress=self.progress,
            options=ReaderOptions(retry_backoff_ms=1, retry_backoff_max_ms=2, revoke_timeout_ms=50),
        )
        self.reader.membership.attach(self.consumer)
        self.reader.membership.hooks.reset_needed = False
        self._next = 0

    def asking(
        self, *ids: str, value: bytes | None = b"", reply_to: str | None = None
    ) -> Sequence[Raw]:
        """Return the next records of one partition, as a poll leaves them."""
        records: list[Raw] = []
        headers = [] if reply_to is None else [("reply_to", reply_to.encode())]
        for each in ids:
            body = {"request_id": each, "username": "alice"}
            records.append(
                a_raw(body, GET_BALANCE, value=value, headers=headers, offset=self._next)
            )
            self._next += 1
        self.consumer.cursors[PLACE] = self._next
        return records

    async def done(self) -> None:
        """Wait until nothing is on its way any more, as polls that bring nothing do."""
        async with asyncio.timeout(PATIENCE_S):
            await self.reader.idle()
            while self.progress.busy:
                await asyncio.sleep(0.001)
                await self.reader.idle()

    def said(self, topic: str = "results") -> list[tuple[str, str | None]]:
        """Return request id and code of what was published on *topic*."""
        bodies = [
            orjson.loads(record.value)
            for record in self.publisher.records
            if record.topic == PREFIX + topic
        ]
        return [(body["request_id"], body.get("error", {}).get("code")) for body in bodies]

    def metric(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(f"accounts_{name}", labels)
